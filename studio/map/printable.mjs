// Texts of a config as they may be shown: nothing in them hides, turns letters around, or is unknown to XML.

/** Control and format characters, what is unassigned or half a pair, and every separator but the plain space. */
const UNSEEN = /(?! )[\p{C}\p{Z}]/gu;

/** Returns a text in which what cannot be seen is escaped as JSON does it, as the command line prints it. */
export function printable(text) {
  return String(text).replace(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, at) => escapeUnit(character.charCodeAt(at))).join(''),
  );
}

const escapeUnit = (unit) => `\\u${unit.toString(16).padStart(4, '0')}`;

/** Returns a text of at most `max` characters; of a longer one the beginning and the end, which tell paths apart. */
export function shortened(text, max) {
  // Only what could be shown is taken apart: a text may be very long.
  const head = Array.from(text.slice(0, 2 * max + 2));
  if (text.length <= 2 * max && head.length <= max) return text;
  const tail = Array.from(text.slice(-2 * max));
  const kept = Math.max(1, Math.floor((max - 1) / 3));
  return `${head.slice(0, max - 1 - kept).join('')}…${tail.slice(-kept).join('')}`;
}
