// The questions of the command line at the terminal. What they say is the program's.

import { autocomplete, isCancel, text } from '@clack/prompts';

/** Standard output is for results. */
const AT_TERMINAL = { input: process.stdin, output: process.stderr };
/** So many choices are shown at a time. */
const LISTED_MAX = 8;
/** A line of a question below another, at the bar that leads through all of them. */
const NEXT_LINE = '\n│  ';

/**
 * Lets the person choose; nothing is chosen if the question is left. The list says itself which keys it knows.
 *
 * @param {{ [member: string]: any }} question
 * @returns {Promise<{ index?: number }>}
 */
export async function choose({ question, choices }) {
  const options = choices.map((label, value) => ({ label, value }));
  const chosen = await autocomplete({ ...AT_TERMINAL, message: question, options, maxItems: LISTED_MAX });
  return isCancel(chosen) ? {} : { index: chosen };
}

/**
 * Asks for a text; there is none if the question is left. An answer that was refused stands there to be mended.
 *
 * @param {{ [member: string]: any }} question
 * @returns {Promise<{ text?: string }>}
 */
export async function ask({ question, example, default: usual, help, refused }) {
  const lines = [refused?.reason, help ? `${question} (${help})` : question];
  const answer = await text({
    ...AT_TERMINAL,
    message: lines.filter(Boolean).join(NEXT_LINE),
    placeholder: usual ?? example,
    defaultValue: usual,
    initialValue: refused?.answer,
  });
  return isCancel(answer) ? {} : { text: answer ?? '' };
}
