// The config kept in the browser's storage, only if the user asks for it. Nothing else is ever stored: no value, no token.

const KEY = 'bargate.config';

/** Storage may be refused altogether, as in a page from `file:` or with cookies blocked. */
function storage() {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

/** Returns the config that was kept, or `null`. */
export const keptConfig = () => storage()?.getItem(KEY) ?? null;

export const forgetConfig = () => storage()?.removeItem(KEY);

/** Keeps a config. Returns whether that was possible. */
export function keepConfig(text) {
  try {
    storage()?.setItem(KEY, text);
    return storage() !== undefined;
  } catch {
    return false;
  }
}
