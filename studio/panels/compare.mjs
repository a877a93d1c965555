// Two configs beside each other: what the change from one to the other adds, removes and exposes.

import { byId, element, fill } from '../dom.mjs';
import { createEditor } from '../editor/editor.mjs';
import { startOpening } from '../files.mjs';
import { failure, outcome } from './outcome.mjs';

/** Starts the panel. The new config is the one of the page, `text()`. */
export function startComparePanel(commands, { schema, text }) {
  const result = byId('compare-result');
  // The old config needs no check: it is what stands.
  const old = createEditor(byId('compare-editor'), {
    label: 'The old config',
    text: '',
    schema,
    onChange: () => refresh(),
  });
  byId('compare-take').addEventListener('click', () => old.setText(text()));
  startOpening(byId('compare-open'), byId('compare-file'), old.setText);

  async function refresh() {
    if (!old.text().trim()) {
      fill(result, element('p', { class: 'empty' }, 'Take or open the old config, then change the one in the editor.'));
      return;
    }
    try {
      const comparison = await commands.diff(old.text(), text());
      if (comparison) fill(result, summary(comparison), element('pre', {}, JSON.stringify(comparison, null, 2)));
    } catch (error) {
      fill(result, failure(error));
    }
  }

  return { refresh };
}

function summary({ changes, changed_sections: sections, section_exposures: exposures }) {
  const count = changes.filter((change) => change.exposures.length).length + exposures.length;
  if (count) return outcome('bad', `${count} ${count === 1 ? 'change exposes' : 'changes expose'} more than before`);
  if (changes.length || sections.length) return outcome('good', 'The change exposes nothing');
  return outcome('good', 'No difference');
}
