// The editor of a config. It lives in a shadow root, where its styles need no `style` element, which the page's policy refuses.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from '@codemirror/language';
import { lintGutter, nextDiagnostic, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  tooltips,
} from '@codemirror/view';
import { completeBy } from './completion.mjs';
import { diagnosticsIn } from './diagnostics.mjs';
import { explainBy } from './hover.mjs';
import { theme } from './theme.mjs';

/**
 * Puts an editor into `host`.
 *
 * @param {HTMLElement} host
 * @param {{ label: string, text: string, schema: object, onChange: () => void }} options
 */
export function createEditor(host, { label, text, schema, onChange }) {
  const root = host.attachShadow({ mode: 'open' });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({ doc: text, extensions: extensions() }),
  });

  function extensions() {
    return [
      lineNumbers(),
      foldGutter(),
      lintGutter(),
      history(),
      drawSelection(),
      indentUnit.of('  '),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      search({ top: true }),
      json(),
      autocompletion({ override: [completeBy(schema)], icons: false }),
      explainBy(schema),
      // Tab is not bound: it leaves the editor, as it leaves every other field.
      keymap.of([
        ...closeBracketsKeymap,
        ...defaultKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...foldKeymap,
        ...completionKeymap,
        { key: 'F8', run: nextDiagnostic },
      ]),
      tooltips({ position: 'fixed' }),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({
        'aria-label': label,
        tabindex: '0',
        spellcheck: 'false',
        autocapitalize: 'off',
      }),
      EditorView.updateListener.of((update) => update.docChanged && onChange()),
      theme,
    ];
  }

  return {
    view,
    text: () => view.state.doc.toString(),
    setText: (replacement) =>
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: replacement },
        selection: { anchor: 0 },
        scrollIntoView: true,
      }),
    /** Shows what was reported of the text that is there. */
    report: (reported) => view.dispatch(setDiagnostics(view.state, diagnosticsIn(view.state.doc, reported))),
    /** Selects a reported place, and puts the cursor there. */
    go(found) {
      const [{ from, to }] = diagnosticsIn(view.state.doc, [found]);
      view.dispatch({
        selection: { anchor: from, head: to },
        effects: EditorView.scrollIntoView(from, { y: 'center' }),
      });
      view.focus();
    },
  };
}
