// The routes as a picture.

import { byId, element, fill } from '../dom.mjs';
import { failure } from './outcome.mjs';

export function startRoutesPanel(commands, { text, go }) {
  const result = byId('routes-map');

  async function refresh() {
    try {
      const routes = await commands.routes(text());
      if (routes) fill(result, element('ul', {}, ...routes.map((r) => element('li', {}, `${r.method} ${r.path}`))));
    } catch (error) {
      fill(result, failure(error));
    }
  }

  return { refresh };
}
