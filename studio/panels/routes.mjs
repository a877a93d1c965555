// The routes as a picture: what each asks for and where it leads. One that is selected is told in words.

import { byId, element, fill } from '../dom.mjs';
import { save } from '../files.mjs';
import { mermaidOf } from '../map/mermaid.mjs';
import { svgOf } from '../map/svg.mjs';
import { treeOfRoutes } from '../map/tree.mjs';
import { legendOf, mapView, ruleOf } from '../map/view.mjs';

/** What a route may ask for. */
const KINDS = ['open', 'optional', 'token', 'session', 'scopes'];

/** Starts the panel. `go` shows a place of the config in the editor. */
export function startRoutesPanel(commands, { text, go }) {
  const rule = byId('routes-rule');
  const note = byId('routes-note');
  const view = mapView({ label: 'Routes', onSelect: show });
  byId('routes-map').append(view.element);
  byId('routes-legend').append(legendOf(KINDS));
  let items = [];

  byId('routes-open').addEventListener('click', view.openAll);
  byId('routes-fold').addEventListener('click', view.foldAll);
  byId('routes-svg').addEventListener('click', () => save('routes.svg', svgOf(items), 'image/svg+xml'));
  byId('routes-mermaid').addEventListener('click', () => save('routes.mmd', mermaidOf(items), 'text/plain'));

  function show(item) {
    if (!item) {
      fill(rule, element('p', { class: 'empty' }, 'Select a route to read its rule in words.'));
      return;
    }
    const route = item.entry?.route;
    fill(
      rule,
      ruleOf(item),
      route?.line &&
        element('button', { type: 'button', click: () => go(placeOf(route)) }, `Show it in line ${route.line}`),
    );
  }

  async function refresh() {
    try {
      const routes = await commands.routes(text());
      if (!routes) return;
      items = treeOfRoutes(routes);
      view.update(items);
      note.hidden = true;
    } catch (error) {
      // What was drawn last stays while somebody is typing.
      note.hidden = false;
      note.textContent = items.length
        ? 'The text cannot be read just now: these are the routes of the last one that could.'
        : `There are no routes to show: ${error.message}`;
    }
  }

  show(null);
  return { refresh };
}

const placeOf = ({ line, column }) => ({ line, column, end_column: column + 1 });
