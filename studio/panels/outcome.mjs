// The line that says how something ends, in colour, sign and word.

import { element } from '../dom.mjs';

const SIGNS = { good: '✓', warn: '?', bad: '✗' };

/** @param {'good' | 'warn' | 'bad'} tone */
export function outcome(tone, title, ...words) {
  return element(
    'div',
    { class: `outcome ${tone}` },
    element('span', { class: 'sign', 'aria-hidden': true }, SIGNS[tone]),
    element('strong', {}, title),
    ...words.filter(Boolean).map((text) => element('p', {}, text)),
  );
}

/** What could not be done, as the command line says it. */
export const failure = (error) => outcome('bad', 'This could not be worked out', error.message);
