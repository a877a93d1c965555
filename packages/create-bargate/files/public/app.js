// A page to begin with: it logs in, calls the API, and logs out. How it stays logged in is in login.js.

import { begin, call, loginUrl, logout, secondsLeft } from './login.js';
import { paths } from './paths.js';

const AGAIN_MS = 5_000;
/** Answers take their time and seconds are rounded: an end that moved by less is the same. */
const SAME_END_MS = 2_000;

const element = (id) => /** @type {any} */ (document.getElementById(id));
let end = 0;
let renewals = 0;

function show(who) {
  element('in').hidden = !who;
  element('out').hidden = Boolean(who);
  element('state').textContent = who ? `Logged in as ${who}.` : 'Nobody is logged in.';
}

/** Returns what an answer says; what went wrong is in `detail`, and `code` names it. */
async function read(response) {
  const body = await response.json().catch(() => undefined);
  if (response.ok) {
    element('problem').textContent = '';
    return body;
  }
  const { code = `status ${response.status}`, detail = 'The answer says no more.' } = body ?? {};
  element('problem').textContent = `${code}: ${detail}`;
  // The login is over.
  if (response.status === 401) show(undefined);
  return undefined;
}

async function showToken() {
  const seconds = await secondsLeft();
  if (seconds === undefined) return;
  const before = end;
  end = Date.now() + seconds * 1000;
  if (before && end > before + SAME_END_MS) renewals += 1;
  const renewed = renewals ? ` The gateway has renewed it: ${renewals}.` : '';
  element('token').textContent = `The access token is valid for ${seconds} seconds.${renewed}`;
}

async function callApi() {
  const answer = await read(await call(paths.api));
  if (answer === undefined) return;
  element('answer').textContent = JSON.stringify(answer, null, 2);
  await showToken();
}

async function start() {
  element('login').href = loginUrl;
  element('logout').addEventListener('click', logout);
  element('call').addEventListener('click', () => callApi().catch(tell));
  setInterval(() => element('again').checked && callApi().catch(tell), AGAIN_MS);
  await begin();
  const response = await call(paths.profile);
  // Without a login, that is no mistake.
  const profile = response.status === 401 ? undefined : await read(response);
  show(profile && (profile.name ?? profile.email ?? profile.sub));
  if (profile) await showToken();
}

const tell = (error) => (element('problem').textContent = error.message);

start().catch(tell);
