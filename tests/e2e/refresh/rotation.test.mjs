// Rotation of refresh tokens, end to end, across isolates and restarts: one exchange per token, whoever asks, however often and
// whenever they hang up. What a refresh may be asked with, and what the provider may answer, is in refresh.test.mjs.

import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTenant } from '../../../dev/tenant.mjs';
import { Browser, workerName } from '../support/harness.mjs';
import { REFRESH, assertNeverShown, assertPrivateJson, assertProblem, logIn } from '../support/login-flow.mjs';
import { TOKEN_ENDPOINT, later, startObeyingGateway } from '../support/session-flow.mjs';

const MINUTE = { timeout: 60_000 };
const GRACE_SECS = 10;
// LOST_WINDOW_MS of rotation.rs.
const LOST_WINDOW_SECS = 60;
const REFRESH_TOKEN_INVALID = [401, 'refresh_token_invalid'];

let tenant;
let gateway;

before(async () => {
  tenant = await startTenant();
  gateway = await startObeyingGateway(tenant, { isolates: 2 });
});

after(async () => {
  tenant?.clearFaults();
  await gateway?.close();
  await tenant?.close();
});

const browser = new Browser();

/** Logs in and gives the refresh token; counts begin anew. */
async function freshToken(how) {
  const { refresh_token: token } = await logIn(gateway, browser, how);
  tenant.resetCounts();
  return token;
}

const by = (token) => ({ headers: { 'x-refresh-token': token } });
const refreshBy = (token) => gateway.ask(REFRESH, by(token));
const refreshByOther = (token) => gateway.askOther(REFRESH, by(token));
const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;

function assertFamily(token, expected, message) {
  const { rotations, revoked } = tenant.family(token);
  assert.deepEqual({ rotations, revoked }, expected, message);
}

function assertOneAnswer(answers, message) {
  for (const answer of answers) assertPrivateJson(answer, message);
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1, `${message}: one answer for all`);
  return answers[0].body.refresh_token;
}

/** The name of a refresh token's object. */
const objectOf = (token) => createHash('sha256').update(token).digest('base64url');
const held = (token) => gateway.held('REFRESH_EXCHANGES', objectOf(token));

describe('a hundred refreshes with one token at once are one exchange with one answer', MINUTE, () => {
  const ways = [
    ['at one isolate', refreshBy],
    ['at two isolates', (token, index) => (index % 2 ? refreshBy : refreshByOther)(token)],
  ];
  for (const [name, send] of ways) {
    test(name, async () => {
      const token = await freshToken();
      const hold = tenant.hold(TOKEN_ENDPOINT);
      const sent = Array.from({ length: 100 }, (_, index) => send(token, index));
      await hold.arrived();
      await gateway.drained();
      assert.equal(hold.waiting, 1, 'all are in, and one is at the provider');
      hold.release();
      const successor = assertOneAnswer(await Promise.all(sent), 'each');
      assert.equal(exchanges(), 1);
      assertFamily(token, { rotations: 1, revoked: false }, 'the provider saw no reuse');
      assertPrivateJson(await refreshByOther(successor), 'the successor is good everywhere');
    });

    test(`${name}, while nobody is held up`, async () => {
      const token = await freshToken();
      const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => send(token, index)));
      assertOneAnswer(answers, 'each');
      assert.equal(exchanges(), 1);
      assertFamily(token, { rotations: 1, revoked: false }, 'the provider saw no reuse');
    });
  }
});

/**
 * Begins a refresh, hangs up after some milliseconds or when the answer begins, and tells whether it did; without milliseconds it waits for
 * the answer to begin. A reset, since workerd takes a mere end of the stream for half of one.
 */
async function refreshAndHangUp(token, ms) {
  const request = httpRequest(new URL(REFRESH, gateway.origin), { ...by(token), agent: false });
  const over = new Promise((resolve) => request.once('close', resolve));
  const answered = new Promise((resolve) =>
    request.once('response', (response) => resolve(response.on('error', () => {}))),
  );
  request.on('error', () => {}).end();
  const response = await (ms === undefined ? answered : Promise.race([answered, sleep(ms)]));
  request.socket?.resetAndDestroy();
  await over;
  return response !== undefined;
}

test('in two hundred rounds with clients that hang up at random moments no session is lost', MINUTE, async () => {
  const [TABS, ROUNDS] = [10, 20];
  const MOMENT_MAX_MS = 60;
  const hungUp = { early: 0, late: 0 };
  // The provider takes its time, before it rotates or after, so that a client may be gone at any stage.
  const slow = [
    { path: TOKEN_ENDPOINT, kind: 'slow', delayMs: 3 },
    { path: TOKEN_ENDPOINT, kind: 'slow', delayMs: 3, after: true },
  ];
  const first = [];
  for (let tab = 0; tab < TABS; tab += 1) first.push(await freshToken());
  tenant.resetCounts();
  const last = await Promise.all(
    first.map(async (token) => {
      let current = token;
      for (let round = 0; round < ROUNDS; round += 1) {
        tenant.fault({ ...slow[round % slow.length], times: 1 });
        for (let calls = randomInt(1, 4); calls > 0; calls -= 1) {
          // One in so many at the answer itself: on a busy machine none may come in time.
          const moment = randomInt(10) === 0 ? undefined : randomInt(0, MOMENT_MAX_MS);
          const answered = await refreshAndHangUp(current, moment);
          hungUp[answered ? 'late' : 'early'] += 1;
        }
        const answer = await refreshBy(current);
        assertPrivateJson(answer, `round ${round}`);
        assert.notEqual(answer.body.refresh_token, current);
        current = answer.body.refresh_token;
      }
      return current;
    }),
  );
  tenant.clearFaults();
  assert.ok(hungUp.early > 0 && hungUp.late > 0, `before and after an answer: ${JSON.stringify(hungUp)}`);
  assert.equal(exchanges(), TABS * ROUNDS, 'one exchange a round');
  for (const [index, token] of first.entries()) {
    assertFamily(token, { rotations: ROUNDS, revoked: false }, 'each rotation was of the latest token');
    assert.equal(tenant.family(token).refreshTokens.at(-1), last[index], 'and the client has its successor');
  }
});

describe('a late duplicate', MINUTE, () => {
  test('within the grace gets the same answer, at each isolate and from an object that was evicted', async () => {
    const token = await freshToken();
    const answers = [await refreshBy(token), await refreshBy(token), await refreshByOther(token)];
    await gateway.miniflare.unsafeEvictDurableObject(workerName(0), 'RefreshExchange', { name: objectOf(token) });
    answers.push(await refreshBy(token));
    await later(GRACE_SECS - 5);
    answers.push(await refreshByOther(token));
    assertOneAnswer(answers, 'each');
    assert.equal(exchanges(), 1);
    assertFamily(token, { rotations: 1, revoked: false });
  });

  test('gets the immediate successor and never a later one', async () => {
    const first = await freshToken();
    const second = await refreshBy(first);
    const third = await refreshBy(second.body.refresh_token);
    const fourth = await refreshBy(third.body.refresh_token);
    assertOneAnswer([second, await refreshBy(first), await refreshByOther(first)], 'the first');
    assertOneAnswer([third, await refreshByOther(second.body.refresh_token)], 'the second');
    assert.equal(new Set([first, ...[second, third, fourth].map(({ body }) => body.refresh_token)]).size, 4);
    assert.equal(exchanges(), 3);
    assertFamily(first, { rotations: 3, revoked: false });
  });

  test('past the grace is refused, and the provider revokes the family', async () => {
    const token = await freshToken();
    const { refresh_token: successor } = (await refreshBy(token)).body;
    await later(GRACE_SECS + 1);
    assertProblem(await refreshBy(token), REFRESH_TOKEN_INVALID, 'the replay');
    assertFamily(token, { rotations: 1, revoked: true });
    assertProblem(await refreshBy(successor), REFRESH_TOKEN_INVALID, 'and its successor is gone');
  });

  test('is a reuse where the grace is 0', async (t) => {
    const graceless = await startObeyingGateway(tenant, { authorizer: { rotation_grace_seconds: 0 } });
    t.after(() => graceless.close());
    const token = await freshToken();
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const sent = Array.from({ length: 10 }, () => graceless.ask(REFRESH, by(token)));
    await hold.arrived();
    await graceless.drained();
    hold.release();
    assertOneAnswer(await Promise.all(sent), 'those who wait meanwhile');
    assert.equal(exchanges(), 1);
    // Kept for the retry of the very request that was answered, whose answer may be lost between the objects.
    assert.equal(await graceless.held('REFRESH_EXCHANGES', objectOf(token)), 1);
    assertProblem(await graceless.ask(REFRESH, by(token)), REFRESH_TOKEN_INVALID, 'the duplicate');
    assert.equal(await graceless.held('REFRESH_EXCHANGES', objectOf(token)), 0, 'nothing is kept of a refusal');
    assertFamily(token, { rotations: 1, revoked: true });
  });
});

describe('an object', MINUTE, () => {
  test('forgets a failure at once', async () => {
    const token = await freshToken();
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'status', status: 500, times: 1 });
    assertProblem(await refreshBy(token), [502, 'idp_error'], 'the failure');
    assert.equal(await held(token), 0);
    assertPrivateJson(await refreshBy(token), 'the next request');
    assert.equal(exchanges(), 2);
  });

  test('takes no failure of the provider for a lost answer, however often', async () => {
    const token = await freshToken();
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'reset', times: 3 });
    for (let failure = 0; failure < 3; failure += 1) {
      assertProblem(await refreshBy(token), [503, 'idp_unavailable', '5'], 'unreachable');
    }
    assertPrivateJson(await refreshBy(token), 'reachable');
    assertFamily(token, { rotations: 1, revoked: false });
  });
});

describe('an answer that is lost between the object and the isolate', MINUTE, () => {
  let graceless;

  before(async () => {
    graceless = await startObeyingGateway(tenant, { authorizer: { rotation_grace_seconds: 0 } });
  });

  after(() => graceless?.close());

  for (const [name, at] of [
    ['the usual grace', () => gateway],
    ['a grace of 0', () => graceless],
  ]) {
    test(`reaches the client at the second try, without a second exchange: ${name}`, async () => {
      const token = await freshToken();
      await at().loseReplies('RefreshExchange');
      const answer = await at().ask(REFRESH, by(token));
      assertPrivateJson(answer, 'the client that asked');
      assert.equal(exchanges(), 1);
      assertFamily(token, { rotations: 1, revoked: false }, 'the provider saw no reuse');
      assertPrivateJson(await at().ask(REFRESH, by(answer.body.refresh_token)), 'the successor is good');
    });
  }

  test("is no other client's where the grace is 0, however soon that comes", async () => {
    const token = await freshToken();
    await graceless.loseReplies('RefreshExchange');
    assertPrivateJson(await graceless.ask(REFRESH, by(token)), 'the client that asked');
    assertProblem(await graceless.ask(REFRESH, by(token)), REFRESH_TOKEN_INVALID, 'a duplicate');
    assert.equal(exchanges(), 2, 'which the provider has judged');
    assertFamily(token, { rotations: 1, revoked: true });
  });
});

/** Logs in, and loses the provider's answer to the next `times` exchanges: the object restarts before it could be kept. */
async function tokenToLose(times) {
  const token = await freshToken();
  await gateway.loseAnswers(times);
  return token;
}

/** Asserts that a client was told to keep its tokens and come back. */
function assertComeBack(answer, message) {
  assertProblem(answer, [503, answer.body?.code, answer.headers.get('retry-after')], message);
  assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/, message);
}

describe('an object that restarts between the answer and the store', MINUTE, () => {
  before(() => {
    tenant.settings.rotationOverlapSeconds = LOST_WINDOW_SECS;
  });

  after(() => {
    tenant.settings.rotationOverlapSeconds = 0;
  });

  test('has the exchange tried again with the same token, once', async () => {
    const token = await tokenToLose(1);
    const answers = await Promise.all([refreshBy(token), refreshByOther(token), refreshBy(token)]);
    answers.push(await refreshBy(token), await refreshByOther(token));
    const successor = assertOneAnswer(answers, 'those who waited and those who come next');
    assert.equal(exchanges(), 2);
    assertFamily(token, { rotations: 2, revoked: false });
    assertPrivateJson(await refreshBy(successor), 'the successor is good');
  });

  test('twice in a row leaves the provider alone until its overlap is surely over', async () => {
    const token = await tokenToLose(2);
    for (const message of ['lost once', 'lost twice']) assertComeBack(await refreshBy(token), message);
    assert.equal(exchanges(), 2);
    for (const ask of [refreshBy, refreshByOther, refreshBy]) assertComeBack(await ask(token), 'no third exchange');
    await later(LOST_WINDOW_SECS - 10);
    assertComeBack(await refreshBy(token), 'nor one shortly before the end of the window');
    assert.equal(exchanges(), 2);
    await later(11);
    assertProblem(await refreshBy(token), REFRESH_TOKEN_INVALID, 'then the provider judges');
  });
});

test('no token is ever in the log', async () => {
  const given = await freshToken();
  const { refresh_token: rotated, access_token: renewed } = (await refreshByOther(given)).body;
  await assertNeverShown(gateway, { given, rotated, renewed }, { inAnswers: false });
});
