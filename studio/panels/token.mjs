// A token, explained as `bargate token explain` does. Only the two fields hold it and its keys.

import { byId, element, fill } from '../dom.mjs';
import { failure, outcome } from './outcome.mjs';

const OUTCOMES = {
  pass: { sign: '✓', tone: 'good', word: 'passed' },
  fail: { sign: '✗', tone: 'bad', word: 'failed' },
  skip: { sign: '–', tone: 'off', word: 'skipped' },
};

/** Starts the panel. `texts()` returns the config and the values. `onChange` hears of another token, `onTry` of a wish to try it. */
export function startTokenPanel(commands, texts, { onChange, onTry }) {
  const [token, jwks] = [byId('token-text'), byId('token-jwks')];
  const [end, result] = [byId('token-outcome'), byId('token-result')];
  for (const field of [token, jwks])
    field.addEventListener('input', () => {
      refresh();
      onChange();
    });

  async function refresh() {
    if (!token.value.trim()) {
      fill(end);
      fill(result);
      return;
    }
    try {
      const explained = await commands.explainToken({ ...texts(), token: token.value, jwks: jwks.value.trim() });
      // It may have been removed meanwhile.
      if (!explained || !token.value.trim()) return;
      fill(end, verdictLine(explained));
      fill(result, ...render(explained, onTry));
    } catch (error) {
      fill(end, failure(error));
      fill(result);
    }
  }

  return { refresh, texts: () => ({ token: token.value.trim(), jwks: jwks.value.trim() }) };
}

function render({ checks, header, claims, times }, onTry) {
  const lacksValues = checks.some(({ reason }) => reason?.includes('has no value here'));
  return [
    lacksValues &&
      element(
        'p',
        { class: 'hint' },
        'The config has no values of its own for some checks: give them below the editor.',
      ),
    element('div', { class: 'tools' }, element('button', { type: 'button', click: onTry }, 'Try it on a request')),
    element('h3', {}, 'Checks'),
    element('ol', { class: 'steps', 'aria-label': 'Checks' }, ...checks.map(checkEntry)),
    ...members('Header', header, {}),
    ...members('Claims, as the token states them', claims, times ?? {}),
  ];
}

function verdictLine({ verdict, code, authorizer }) {
  const by = authorizer && `Authorizer: ${authorizer}`;
  if (verdict === 'accepted')
    return outcome('good', 'Accepted', by, 'What a path asks for, such as scopes, comes on top: try it on a request.');
  if (verdict === 'refused') return outcome('bad', `Refused${code ? `: 401 ${code}` : ''}`, by);
  return outcome('warn', 'Not known: a check was skipped', by);
}

function checkEntry({ check, outcome: how, expected, found, help, reason }) {
  const { sign, tone, word } = OUTCOMES[how];
  const facts = [
    ['expected', expected],
    ['found', how !== 'skip' && found],
    ['skipped', reason],
    ['help', help],
  ];
  return element(
    'li',
    { class: tone },
    element('span', { class: 'sign', 'aria-hidden': true }, sign),
    element('span', { class: 'name' }, check, element('span', { class: 'how' }, word)),
    element(
      'dl',
      { class: 'facts' },
      ...facts.filter(([, text]) => text).flatMap(([name, text]) => [element('dt', {}, name), element('dd', {}, text)]),
    ),
  );
}

function members(title, object, times) {
  const entries = Object.entries(object ?? {});
  if (!entries.length) return [];
  return [
    element('h3', {}, title),
    element(
      'dl',
      { class: 'facts' },
      ...entries.flatMap(([name, value]) => [
        element('dt', {}, element('code', {}, name)),
        element(
          'dd',
          {},
          element('code', {}, JSON.stringify(value)),
          times[name] && ` ${times[name].utc}, ${times[name].relative}`,
        ),
      ]),
    ),
  ];
}
