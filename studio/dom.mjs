// Elements, made in one expression. Text is always text: nothing here parses HTML.

/**
 * Makes an element. An attribute that is `false` or `undefined` is left out, `true` is empty, and a function listens to the
 * event of its name. Children are elements and texts; false ones are left out.
 *
 * @param {string} name
 * @param {Record<string, unknown>} attributes
 * @param {...(Node | string | number | false | null | undefined | (Node | string | false)[])} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key, /** @type {EventListener} */ (value));
    else if (value !== undefined && value !== false && value !== null)
      made.setAttribute(key, value === true ? '' : String(value));
  }
  made.append(...present(children));
  return made;
}

const present = (children) =>
  children.flat().filter((child) => child !== false && child !== null && child !== undefined && child !== '');

/** Puts children in place of those that an element has. */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
}

/** Returns the element of the page with an id. @returns {any} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
