// Two configs beside each other: what the change from one to the other adds, removes and exposes.

import { byId, element, fill } from '../dom.mjs';
import { createEditor } from '../editor/editor.mjs';
import { startOpening } from '../files.mjs';
import { describeChange, exposuresOf, treeOfDiff } from '../map/diff.mjs';
import { legendOf, mapView, ruleOf } from '../map/view.mjs';
import { failure, outcome } from './outcome.mjs';

const KINDS = ['added', 'removed', 'changed', 'exposed'];

/** Starts the panel. The new config is the one of the page, `text()`. */
export function startComparePanel(commands, { schema, text }) {
  const [end, result] = [byId('compare-outcome'), byId('compare-result')];
  const rule = element('div', { class: 'rule', 'aria-live': 'polite' });
  const view = mapView({ label: 'Changes', onSelect: show });
  const drawing = element('div', { class: 'drawing' }, view.element);
  const old = createEditor(byId('compare-editor'), {
    label: 'The old config',
    text: '',
    schema,
    onChange: () => refresh(),
  });
  byId('compare-take').addEventListener('click', () => old.setText(text()));
  startOpening(byId('compare-open'), byId('compare-file'), old.setText);

  function show(item) {
    fill(rule, item?.entry && ruleOf(item, document, describeChange(item.entry)));
  }

  async function refresh() {
    if (!old.text().trim()) {
      fill(end);
      fill(result, element('p', { class: 'empty' }, 'Take or open the old config, then change the one in the editor.'));
      return;
    }
    try {
      const diff = await commands.diff(old.text(), text());
      if (!diff) return;
      view.update(treeOfDiff(diff));
      fill(end, summary(diff));
      fill(result, exposures(diff), ...changes(diff));
    } catch (error) {
      fill(end, failure(error));
      fill(result);
    }
  }

  function changes({ changes: routes, changed_sections: sections }) {
    return [
      routes.length > 0 && legendOf(KINDS),
      routes.length > 0 && drawing,
      routes.length > 0 && rule,
      sections.length > 0 && element('p', {}, `Also changed: ${sections.join(', ')}`),
    ];
  }

  return { refresh };
}

function summary(diff) {
  const count = exposuresOf(diff).length;
  if (count) return outcome('bad', `It exposes more than before, in ${count === 1 ? 'one way' : `${count} ways`}`);
  if (diff.changes.length || diff.changed_sections.length) return outcome('good', 'It exposes nothing');
  return outcome('good', 'No difference');
}

function exposures(diff) {
  const found = exposuresOf(diff);
  return (
    found.length > 0 &&
    element(
      'ul',
      { class: 'steps', 'aria-label': 'What it exposes' },
      ...found.map(({ route, exposure }) =>
        element(
          'li',
          { class: 'bad' },
          element('span', { class: 'sign', 'aria-hidden': true }, '✗'),
          element('code', {}, route ?? 'the whole config'),
          element('span', {}, exposure),
        ),
      ),
    )
  );
}
