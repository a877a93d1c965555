// The page: what its buttons do, and what it does by itself. It asks the gateway which modes there are (offer.js). memory-mode.js
// and cookie-mode.js stay logged in, each in its own way; token-client.js is made to be copied.

import { CookieMode } from './cookie-mode.js';
import { MemoryMode, isReturnOfLogin } from './memory-mode.js';
import { NO_LOGIN, findOffer } from './offer.js';
import { problemOf, problemOfFailure, secondsUntilRetry } from './problem.js';
import * as view from './view.js';

const MODES = { a: MemoryMode, b: CookieMode };
const BURST = 5;
const KEEP_CALLING_MS = 5_000;
const TICK_MS = 250;
const ASK_AGAIN_SECS = 5;

const { elements } = view;
const tabs = new BroadcastChannel('bargate');

// Until the gateway has answered what it offers.
let offer = { base: '/api/auth0' };
let name = 'b';
/** @type {any} a CookieMode, or a MemoryMode */
let mode = new CookieMode(offer, report);
let state;
let retry;

/** Finds out what the gateway offers, and opens in that mode. */
async function open() {
  show('starting');
  try {
    offer = await findOffer();
  } catch (error) {
    const problem = error.problem ?? problemOfFailure(error);
    const seconds = secondsUntilRetry(problem) ?? ASK_AGAIN_SECS;
    settle({ state: 'unknown', problem, seconds, again: open });
    return;
  }
  view.showOffer(offer);
  if (!offer.a && !offer.b) {
    settle({ state: 'none', problem: NO_LOGIN });
    return;
  }
  if (offer.a && isReturnOfLogin(new URL(location.href))) localStorage.setItem('mode', 'a');
  const chosen = localStorage.getItem('mode');
  // If there are both, in the mode that is right for most.
  await begin(offer[chosen] ? chosen : offer.b ? 'b' : 'a');
}

/** Starts a mode, or the same one again, and finds out whether somebody is logged in. */
async function begin(wanted) {
  const started = change(wanted, 'starting');
  const outcome = await started.start().catch((error) => {
    const problem = problemOfFailure(error);
    return { state: 'unknown', problem, seconds: secondsUntilRetry(problem) };
  });
  if (mode === started) await settle(outcome);
}

/** Drops everything that the active mode holds, and replaces the mode with another. */
function change(wanted, next) {
  clearTimeout(retry);
  mode.forget();
  name = wanted;
  mode = new MODES[name](offer, report);
  view.showMode(name, mode);
  show(next);
  return mode;
}

/** @param {{ state: string, problem?: any, seconds?: number, again?: () => Promise<void> }} outcome */
async function settle({ state: next, problem, seconds, again = () => begin(name) }) {
  show(next);
  if (problem) {
    view.log('bad', `${problem.code}: ${problem.title}`);
    view.showProblem(problem, seconds ? `The page asks again in ${seconds} s.` : undefined);
  } else {
    view.clearProblem();
  }
  if (next === 'unknown') retry = setTimeout(again, (seconds ?? ASK_AGAIN_SECS) * 1000);
  if (next === 'out' && !problem) view.log('info', 'Nobody is logged in here');
  if (next !== 'in') return;
  view.log('good', 'Logged in');
  tabs.postMessage('logged_in');
  await loadProfile();
}

function show(next, who) {
  state = next;
  view.showState(state, who);
  view.showToken(name, mode.expiresAt);
}

/** Ends the login in this page: drops its tokens and its retry. */
function leave(kind, text, problem) {
  change(name, 'out');
  elements.keep.checked = false;
  view.clearAnswer();
  view.log(kind, text);
  if (problem) view.showProblem(problem);
  else view.clearProblem();
}

/** Calls a path of the gateway and shows the result; returns the answer's JSON, or `undefined`. */
async function call(path) {
  const caller = mode;
  view.log('info', `GET ${path}`);
  let response;
  try {
    response = await caller.fetch(path);
  } catch (error) {
    if (mode === caller) fail(path, problemOfFailure(error));
    return undefined;
  }
  const body = response.ok ? await response.json() : await problemOf(response);
  if (mode !== caller) return undefined;
  if (!response.ok) return fail(path, body, response);
  view.log('good', `${path} → ${response.status}`);
  view.showAnswer(`GET ${path} → ${response.status}`, body);
  view.clearProblem();
  return body;
}

function fail(path, problem, response) {
  const failed = `${path} → ${response ? `${response.status} ` : ''}${problem.code}`;
  // The gateway decides who is logged in, whatever this page assumed.
  if (response?.status === 401 && state === 'in') return leave('bad', failed, problem);
  view.log('bad', failed);
  const seconds = secondsUntilRetry(problem, response);
  view.showProblem(problem, seconds ? note(seconds) : undefined);
  if (seconds && name === 'b') retryIn(seconds);
  return undefined;
}

const note = (seconds) => (state === 'in' ? `You stay logged in. The next try is in ${seconds} s.` : undefined);

// In mode (a) the token client tries again by itself.
function retryIn(seconds) {
  clearTimeout(retry);
  retry = setTimeout(refresh, seconds * 1000);
}

async function refresh() {
  const caller = mode;
  const refusal = await caller.refresh().catch((error) => error);
  if (mode !== caller) return;
  if (!refusal) view.clearProblem();
  else if (refusal instanceof Response) fail(`${offer.base}/refresh`, await problemOf(refusal), refusal);
  else fail(`${offer.base}/refresh`, problemOfFailure(refusal));
}

async function renew() {
  const caller = mode;
  const problem = await caller.renew().catch(problemOfFailure);
  if (mode !== caller) return;
  if (!problem) {
    await settle({ state: 'in' });
    return;
  }
  // Tokens that are still held are as valid as before.
  view.log('bad', `Hidden frame → ${problem.code}`);
  view.showProblem(problem);
}

async function loadProfile() {
  const caller = mode;
  const profile = await call(`${offer.base}/profile`);
  if (profile && mode === caller) show('in', profile);
}

/** Shows what a mode does by itself. */
function report(event, detail) {
  switch (event) {
    case 'expired':
      return view.log('warn', `${pathOf(detail)} → 401 token_expired`);
    case 'retried':
      return view.log('info', `GET ${pathOf(detail)}, sent again`);
    case 'refreshing':
      return view.log('info', `POST ${offer.base}/refresh, with the refresh token`);
    case 'refreshed':
      view.clearProblem();
      return view.log('good', `Refreshed: new tokens for ${detail.expires_in} s`);
    case 'trouble': {
      const problem = detail.problem instanceof Error ? problemOfFailure(detail.problem) : detail.problem;
      view.showProblem(problem, note(detail.seconds));
      return view.log('warn', `Not refreshed, ${problem.code}: the tokens are kept, next try in ${detail.seconds} s`);
    }
    case 'login_required':
      leave('bad', `Not refreshed, ${detail.code}: the tokens are dropped`, detail);
      return location.assign(mode.loginUrl);
    case 'returned':
      return view.log('info', `GET ${offer.base}/token/callback, with the code`);
    case 'renewing':
      return view.log('info', `Hidden frame: ${offer.base}/silent/login?prompt=none`);
    case 'asking':
      return view.log('info', `POST ${offer.base}/refresh, with the cookie`);
    case 'renewed':
      return view.log('good', `The gateway has renewed its token: ${detail} s`);
    default:
      throw new TypeError(`no such event: ${event}`);
  }
}

function pathOf({ url }) {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

for (const input of elements.modes) {
  input.addEventListener('change', () => {
    // Only the mode is stored.
    localStorage.setItem('mode', input.value);
    begin(input.value);
  });
}
elements.call.addEventListener('click', () => call('/api/messages'));
elements.burst.addEventListener('click', () => {
  for (let number = 1; number <= BURST; number += 1) call(`/api/messages?n=${number}`);
});
elements.profile.addEventListener('click', loadProfile);
elements.refresh.addEventListener('click', refresh);
elements.renew.addEventListener('click', renew);
setInterval(() => {
  if (elements.keep.checked) call('/api/messages');
}, KEEP_CALLING_MS);
setInterval(() => view.showToken(name, mode.expiresAt), TICK_MS);

// The form leads to the gateway, which ends its session if there is one, and then to the provider's logout. A config
// without sessions has no such path: the page drops the tokens, and the provider still knows the browser.
elements.logOut.addEventListener('submit', (event) => {
  if (!offer.b) event.preventDefault();
  tabs.postMessage('logged_out');
  leave('info', offer.b ? 'Logging out' : 'Logged out here: the provider still knows this browser');
});
tabs.addEventListener('message', ({ data }) => {
  if (data === 'logged_out' && state !== 'out') leave('warn', 'Logged out in another tab');
  if (data === 'logged_in' && state === 'out') begin(name);
});
// The browser has restored the page as the user left it, with everything that it showed. Only the gateway knows whether that user is
// still logged in: the page shows nothing of theirs before the gateway has answered.
window.addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return;
  leave('info', "Back from the browser's cache");
  open();
});

open();
