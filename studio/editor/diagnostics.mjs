// What `bargate check --format json` reports, at the places of the editor's document.

import { element } from '../dom.mjs';

/**
 * Turns reported errors and warnings into the editor's diagnostics. Lines and columns count from 1, and columns count characters,
 * while the editor counts UTF-16 units.
 */
export function diagnosticsIn(doc, reported) {
  return reported.map((found) => {
    const line = doc.line(Math.min(found.line, doc.lines));
    const from = line.from + unitsOf(line.text, found.column - 1);
    const to = line.from + unitsOf(line.text, found.end_column - 1);
    return {
      from,
      to: Math.max(from, to),
      severity: found.severity,
      message: found.message,
      renderMessage: () => message(found),
    };
  });
}

function unitsOf(text, characters) {
  // Most lines are short, and hold no character of two units.
  if (!/[\ud800-\udbff]/.test(text)) return Math.min(characters, text.length);
  return [...text].slice(0, characters).join('').length;
}

function message({ severity, code, message: words, help }) {
  return element(
    'div',
    {},
    element('strong', {}, severity === 'error' ? 'Error: ' : 'Warning: '),
    `${words} `,
    element('code', {}, code),
    help && element('p', {}, help),
  );
}
