// The recipes for axios in docs/refresh.md, word for word, and requests by them: here, or in a page.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './harness.mjs';

/** What axios can read an answer as. */
export const RESPONSE_TYPES = ['json', 'text', 'blob', 'arraybuffer', 'stream'];

const section = readFileSync(join(ROOT, 'docs/refresh.md'), 'utf8').split('## With axios')[1];
export const [RECIPE, API_RECIPE] = [...section.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

/** The module of axios for pages. */
export const AXIOS_FOR_PAGES = readFileSync(join(ROOT, 'node_modules/axios/dist/esm/axios.js'));

/**
 * Does a request by the recipe, and tells what came of it. Nothing but its arguments is in its reach. `library` is axios, or its address
 * for a page.
 * @param {any} how
 */
export async function requestByRecipe({ recipe, library, origin, path, tokens, adapter, responseType }) {
  const axiosHere = library.get ? library : (await import(library)).default;
  const AsyncFunction = /** @type {FunctionConstructor} */ ((async () => {}).constructor);
  const logins = [];
  const given = tokens.access_token;
  const api = axiosHere.create({ baseURL: origin, adapter });
  await new AsyncFunction('axios', 'GATEWAY', 'tokens', 'logIn', 'api', recipe)(
    axiosHere,
    origin,
    tokens,
    () => logins.push('begun'),
    api,
  );
  const outcome = await api.get(path, { responseType }).then(
    ({ status }) => status,
    ({ response }) => response?.headers['x-problem-code'],
  );
  return { outcome, refreshed: tokens.access_token !== given, logins: logins.length };
}

/**
 * Returns the function of the recipe that gives a token for an API.
 * @param {{ origin: string, tokens: Record<string, string>, library: any, logIn?: () => void }} how
 */
export const tokenForByRecipe = ({ origin, tokens, library, logIn = () => {} }) =>
  new Function('axios', 'GATEWAY', 'tokens', 'logIn', `${API_RECIPE}return tokenFor;`)(library, origin, tokens, logIn);
