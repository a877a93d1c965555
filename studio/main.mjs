// The page: puts its parts together. Everything that is shown comes from the command line, which runs beside it.

import examples from 'studio:examples';
import schema from 'studio:schema';
import worker from 'studio:worker';
import { byId, element } from './dom.mjs';
import { forgetConfig, keepConfig, keptConfig } from './draft.mjs';
import { createEditor } from './editor/editor.mjs';
import { commandsOf } from './engine/commands.mjs';
import { compile, startEngine } from './engine/engine.mjs';
import { save, startOpening } from './files.mjs';
import { startComparePanel } from './panels/compare.mjs';
import { startRequestPanel } from './panels/request.mjs';
import { startRoutesPanel } from './panels/routes.mjs';
import { startTokenPanel } from './panels/token.mjs';
import { showFailure, showProblems } from './problems.mjs';
import { startTabs } from './tabs.mjs';

/** Of what somebody types in one go only the last is looked at. */
const PAUSE_MS = 60;

const opened = JSON.parse(byId('opened').textContent);
const first = opened?.text ?? keptConfig() ?? examples[0].examples[0].text;

const program = Promise.withResolvers?.() ?? deferred();
const commands = commandsOf(startEngine(worker, program.promise));
// The script with the program comes last, and calls this.
globalThis.bargateProgram = (base64) => compile(base64).then(program.resolve, program.reject);
program.promise.then(
  () => (byId('program').textContent = 'The command line is running'),
  (error) => (byId('program').textContent = `The command line did not start: ${error.message}`),
);

const editor = createEditor(byId('editor'), { label: 'gateway.config.json', text: first, schema, onChange: changed });
const values = byId('values');
const texts = () => ({ config: editor.text(), values: values.value });

const token = startTokenPanel(commands, texts, {
  onChange: () => request.refresh(),
  onTry() {
    byId('request-token').checked = true;
    tabs.show('request');
    byId('request-url').focus();
  },
});
const request = startRequestPanel(commands, () => ({ ...texts(), ...token.texts() }));
const routes = startRoutesPanel(commands, { text: editor.text, go: editor.go });
const compare = startComparePanel(commands, { schema, text: editor.text });

const panels = { routes, request, token, compare };
let shown = 'routes';
const tabs = startTabs(document.querySelector('[role="tablist"]'), (id) => {
  shown = id;
  panels[id].refresh();
});

let pause;
function changed() {
  if (byId('keep').checked) keepConfig(editor.text());
  clearTimeout(pause);
  pause = setTimeout(refresh, PAUSE_MS);
}

async function refresh() {
  const text = editor.text();
  const checked = commands.check(text);
  panels[shown].refresh();
  try {
    const report = await checked;
    // What was reported of an older text may be at other places.
    if (!report || text !== editor.text()) return;
    editor.report(report.diagnostics);
    showProblems(report, editor.go);
  } catch (error) {
    showFailure(error.message);
  }
}

function startTools() {
  const choice = byId('examples');
  choice.append(
    element('option', { value: '' }, opened?.text === undefined ? 'an example…' : `${opened.name}, or…`),
    ...examples.map((group, at) =>
      element(
        'optgroup',
        { label: group.name },
        ...group.examples.map(({ name }, index) => element('option', { value: `${at}.${index}` }, name)),
      ),
    ),
  );
  choice.addEventListener('change', () => {
    const [at, index] = choice.value.split('.').map(Number);
    if (choice.value) editor.setText(examples[at].examples[index].text);
    choice.value = '';
  });
  startOpening(byId('open'), byId('file'), editor.setText);
  byId('save').addEventListener('click', () => save('gateway.config.json', editor.text()));
  values.addEventListener('input', () => panels[shown].refresh());

  const keep = byId('keep');
  keep.checked = keptConfig() !== null;
  keep.addEventListener('change', () => {
    if (!keep.checked) forgetConfig();
    else if (!keepConfig(editor.text())) keep.checked = false;
  });
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

if (opened?.problem !== undefined) {
  byId('opened-problem').textContent = `${opened.problem}. Once that is mended, load the page again.`;
  byId('opened-problem').hidden = false;
}
startTools();
refresh();
