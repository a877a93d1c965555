// What no config can express yet: the steps that fail for that reason, and the message of their failure. A step that fails with
// another message is not as expected.

/** @typedef {{ steps: string[], says: RegExp, choice: string }} Gap */

const gap = (choice, says) => /** @type {(...steps: string[]) => Gap} */ ((...steps) => ({ steps, says, choice }));

/** Returns the gap of a provider's own behaviour, which no setting of Bargate could change. */
export const ofTheProvider = (what, says) => gap(`nothing at Bargate: ${what}`, says);
