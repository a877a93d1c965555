// "Which path takes this request?": the way of a request, step by step, as `bargate request explain` tells it.

import { byId, element, fill } from '../dom.mjs';
import { failure, outcome } from './outcome.mjs';

const STEPS = {
  match: 'Route',
  ip: 'IP address',
  pre_process: 'Guard',
  cache: 'Cache',
  upstream_token: "Upstream's token",
  service: 'Service',
  integration: 'Answer',
  cors: 'CORS',
  rate_limit: 'Rate limit',
  auth: 'Authentication',
  access: 'Authorization',
  csrf: 'CSRF',
  body: 'Body',
  mapping: 'Mapping',
  upstream: 'Upstream',
};

const ENDINGS = {
  forwarded: { tone: 'good', title: 'Forwarded' },
  answered: { tone: 'good', title: 'Answered by the gateway' },
  refused: { tone: 'bad', title: 'Refused' },
};

const OUTCOMES = {
  passed: { sign: '✓', tone: 'good' },
  refused: { sign: '✗', tone: 'bad' },
  answered: { sign: '●', tone: 'good' },
  unknown: { sign: '?', tone: 'warn' },
  skipped: { sign: '–', tone: 'off' },
};

/** Starts the panel. `texts()` returns the config, the values, the token and the JWKS. */
export function startRequestPanel(commands, texts) {
  const form = byId('request-form');
  // Only how it ends is read aloud each time that something is typed.
  const [end, result] = [byId('request-outcome'), byId('request-result')];
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', () => refresh());

  async function refresh() {
    const { token, session, ...fields } = Object.fromEntries(new FormData(form));
    const { config, values, token: text, jwks } = texts();
    try {
      const request = /** @type {Record<string, string>} */ (fields);
      const explained = await commands.explainRequest({
        config,
        values,
        jwks,
        request,
        token: token ? text : '',
        session: session === 'on',
      });
      if (!explained) return;
      fill(end, ending(explained.outcome, explained.upstream));
      fill(result, ...render(explained));
    } catch (error) {
      fill(end, failure(error));
      fill(result);
    }
  }

  return { refresh };
}

function render({ outcome: { headers }, steps, upstream, unknown }) {
  return [
    unknown?.length > 0 &&
      element('p', { class: 'hint' }, `Without a value here: ${unknown.join(', ')}. Give values below the editor.`),
    stepList(steps),
    ...(upstream ? sentOn(upstream) : []),
    ...(headers?.length ? [element('h3', {}, 'Headers of the answer'), headerTable(headers)] : []),
  ];
}

function ending({ kind, status, code, words, undecided }, upstream) {
  const { tone, title } = ENDINGS[kind] ?? { tone: 'warn', title: capitalised(kind) };
  const what = [status, code].filter(Boolean).join(' ');
  const proviso = undecided?.length ? `, if it passes ${undecided.map(nameOf).join(', ')}` : '';
  return outcome(
    // What only a running gateway decides is not settled here.
    proviso ? 'warn' : tone,
    `${title}${what ? `: ${what}` : ''}${proviso}`,
    upstream ? `${upstream.method} ${upstream.url}` : words,
  );
}

const nameOf = (step) => STEPS[step] ?? capitalised(step.replaceAll('_', ' '));

const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function stepList(steps) {
  return element(
    'ol',
    { class: 'steps', 'aria-label': 'The way of the request' },
    ...steps.map(({ step, outcome: how, words, code }) => {
      const { sign, tone } = OUTCOMES[how] ?? OUTCOMES.unknown;
      return element(
        'li',
        { class: tone },
        element('span', { class: 'sign', 'aria-hidden': true }, sign),
        element(
          'span',
          { class: 'name' },
          STEPS[step] ?? capitalised(step.replaceAll('_', ' ')),
          element('span', { class: 'how' }, how),
        ),
        element('span', {}, words, code && ' ', code && element('code', {}, code)),
      );
    }),
  );
}

function sentOn({ headers, others }) {
  return [
    others?.length > 0 && element('p', { class: 'hint' }, `or, if that cannot be reached: ${others.join(', ')}`),
    element('h3', {}, 'What is sent on'),
    headerTable(headers),
  ];
}

function headerTable(headers) {
  const hasSource = headers.some(({ from }) => from);
  const heads = ['Header', 'Value', ...(hasSource ? ['From'] : [])];
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element(
      'tbody',
      {},
      ...headers.map(({ name, value, from, source }) =>
        element(
          'tr',
          {},
          element('td', {}, element('code', {}, name)),
          element('td', {}, element('code', {}, value)),
          hasSource && element('td', {}, [from, source].filter(Boolean).join(', ')),
        ),
      ),
    ),
  );
}
