// What the page shows. Everything is inserted as text, never as markup.

const ENTRIES_KEPT = 200;
const STATES = {
  starting: 'Looking for a login …',
  in: 'Logged in',
  out: 'Logged out',
  unknown: 'Cannot tell yet',
  none: 'No login here',
};

const HINTS = {
  a: 'When the token has expired, the next call is refused once, and the page refreshes and repeats it by itself.',
  b: 'When the token nears its end, the gateway renews it during a call. The page notices nothing.',
};

/** @returns {any} */
const $ = (id) => document.getElementById(id);

export const elements = {
  /** @type {NodeListOf<HTMLInputElement>} */
  modes: document.querySelectorAll('input[name=mode]'),
  logOut: $('log-out'),
  call: $('call'),
  burst: $('burst'),
  profile: $('profile'),
  refresh: $('refresh'),
  renew: $('renew'),
  keep: $('keep'),
};

$('dismiss').addEventListener('click', () => clearProblem());
$('clear').addEventListener('click', () => $('entries').replaceChildren());

/** Shows which modes there are: the user cannot choose one that the gateway's config lacks. */
export function showOffer({ base, ...modes }) {
  for (const input of elements.modes) input.disabled = !modes[input.value];
  for (const note of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-lacking]')))
    note.hidden = modes[note.dataset.lacking ?? ''];
  elements.logOut.action = `${base}/logout`;
}

export function showMode(name, { loginUrl, canRenew }) {
  for (const input of elements.modes) input.checked = input.value === name;
  $('log-in').href = loginUrl;
  $('hint').textContent = HINTS[name];
  elements.renew.hidden = !canRenew;
}

/**
 * @param {string} state
 * @param {{ name?: string, email?: string }} [who]
 */
export function showState(state, { name, email } = {}) {
  document.body.dataset.state = state;
  elements.refresh.disabled = state !== 'in';
  setText('state', STATES[state]);
  setText('who', [name, email].filter(Boolean).join(' · '));
}

/** Shows how long the access token is valid, counted since the page first knew of it. */
export function showToken(mode, expiresAt) {
  const token = $('token');
  token.hidden = !expiresAt;
  if (!expiresAt) {
    delete token.dataset.token;
    return;
  }
  const left = expiresAt - Date.now();
  const seconds = Math.ceil(Math.abs(left) / 1000);
  const bar = $('token-bar');
  if (Number(bar.dataset.expiresAt) !== expiresAt) {
    bar.dataset.expiresAt = expiresAt;
    bar.max = Math.max(left, 1);
  }
  bar.value = Math.max(left, 0);
  token.dataset.token = left > 0 ? 'fresh' : 'expired';
  setText('token-label', mode === 'a' ? 'Access token, here in memory:' : 'Access token, held by the gateway:');
  setText('token-left', left > 0 ? `expires in ${spoken(seconds)}` : `expired ${spoken(seconds)} ago`);
}

const spoken = (seconds) => (seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`);

/** Adds a line to the log. `kind` is `info`, `good`, `warn` or `bad`. */
export function log(kind, text) {
  const entry = document.createElement('li');
  entry.dataset.kind = kind;
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString('en-GB');
  const line = document.createElement('span');
  line.textContent = text;
  entry.append(time, ' ', line);
  const entries = $('entries');
  entries.append(entry);
  while (entries.childElementCount > ENTRIES_KEPT) entries.firstElementChild.remove();
  $('log').scrollTop = $('log').scrollHeight;
}

/** Shows what went wrong, and in `note` what the page does about it. */
export function showProblem({ title, detail, code, request_id: requestId }, note = '') {
  setText('problem-title', title);
  setText('problem-detail', detail ?? '');
  setText('problem-note', note);
  setText('problem-code', code);
  setText('problem-request-id', requestId ?? '');
  $('problem-request').hidden = !requestId;
  if (!$('problem').hidden) return;
  $('problem').hidden = false;
  $('problem').scrollIntoView({ block: 'nearest' });
}

export function clearProblem() {
  $('problem').hidden = true;
}

export function showAnswer(title, body) {
  setText('answer-title', title);
  $('answer').hidden = false;
  $('answer').textContent = JSON.stringify(body, null, 2);
}

/** Removes everything that belonged to the user. */
export function clearAnswer() {
  setText('answer-title', 'None yet. Call the API, logged in or not.');
  $('answer').hidden = true;
  $('answer').textContent = '';
}

// Unchanged text is not set again, because a screen reader would read it again.
function setText(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}
