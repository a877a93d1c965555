// The errors and warnings as a list below the editor: what the marks in the text say, for those who do not see or hover them.

import { byId, element, fill } from './dom.mjs';

/** The most that are listed; all are marked in the text. */
const LISTED_MAX = 50;

/** Shows what `check` reported. `go` gets the entry that somebody chooses. */
export function showProblems({ diagnostics, errors, warnings }, go) {
  const verdict = byId('verdict');
  verdict.className = `verdict ${errors ? 'bad' : warnings ? 'warn' : 'good'}`;
  verdict.textContent =
    [counted(errors, 'error'), counted(warnings, 'warning')].filter(Boolean).join(', ') || '✓ valid';
  const listed = diagnostics.slice(0, LISTED_MAX);
  const more = diagnostics.length - listed.length;
  fill(
    byId('problems'),
    listed.length > 0 && element('ul', {}, ...listed.map((found) => entry(found, go))),
    more > 0 && element('p', { class: 'hint' }, `and ${more} more, marked in the text`),
  );
}

/** Shows that the config could not be checked. */
export function showFailure(message) {
  byId('verdict').className = 'verdict bad';
  byId('verdict').textContent = `Not checked: ${message}`;
}

const counted = (count, noun) => (count ? `${count} ${noun}${count === 1 ? '' : 's'}` : '');

function entry(found, go) {
  const { severity, line, message, code, help } = found;
  const isError = severity === 'error';
  return element(
    'li',
    { class: isError ? 'bad' : 'warn' },
    element(
      'button',
      { type: 'button', click: () => go(found) },
      element('span', { class: 'sign', 'aria-hidden': true }, isError ? '✗' : '!'),
      element('span', {}, `${isError ? 'Error' : 'Warning'} in line ${line}: ${message} `, element('code', {}, code)),
      help && element('small', { class: 'help' }, help),
    ),
  );
}
