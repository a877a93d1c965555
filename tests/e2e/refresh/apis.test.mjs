// A refresh for one of several APIs: clients name those that the config lists, every exchange uses the refresh token that the one
// before brought, and nobody gets a token for another audience. Once as Auth0 has it, and once as RFC 8707 does.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { DEFAULT_AUDIENCE, startTenant } from '../../../dev/tenant.mjs';
import { API_SCOPES, AUDIENCES, DIALECTS, NAMES, policies } from '../support/audiences.mjs';
import { elapse, later } from '../support/clock.mjs';
import { Browser, workerName } from '../support/harness.mjs';
import {
  REFRESH,
  assertNeverShown,
  assertPrivateJson,
  assertProblem,
  claimsOf,
  logIn,
} from '../support/login-flow.mjs';
import { TOKEN_ENDPOINT, startObeyingGateway } from '../support/session-flow.mjs';

const APIS = '/api/apis/refresh';
const GRACE_SECS = 10;
const LOST_WINDOW_SECS = 60;
const UNAVAILABLE = [502, 'token_unavailable'];
const USED = [409, 'refresh_token_used'];
const REFRESH_TOKEN_INVALID = [401, 'refresh_token_invalid'];

for (const { dialect, parameter, settings, strict, authorizer } of DIALECTS) {
  describe(dialect, () => {
    let tenant;
    let gateway;
    let graceless;

    const refreshPath = (more = {}) => ({
      method: 'ANY',
      path: APIS,
      integration: {
        type: 'auth0_refresh',
        apis: [
          ...NAMES.map((name) => ({ [parameter]: AUDIENCES[name] })),
          { [parameter]: AUDIENCES.orders, scope: 'read:orders write:orders' },
        ],
        ...more,
      },
    });

    before(async () => {
      tenant = await startTenant({ apiScopes: API_SCOPES, strict, ...settings() });
      const start = (more, options) =>
        startObeyingGateway(tenant, { authorizer: { ...authorizer, ...more }, paths: [refreshPath()], ...options });
      [gateway, graceless] = await Promise.all([start({}, { isolates: 2 }), start({ rotation_grace_seconds: 0 }, {})]);
    });

    after(async () => {
      await Promise.all([gateway?.close(), graceless?.close()]);
      await tenant?.close();
    });

    beforeEach(() => tenant.resetCounts());

    afterEach(() => {
      tenant.clearFaults();
      Object.assign(tenant.settings, { rotateRefreshTokens: true, rotationOverlapSeconds: 0, withheldResources: [] });
      Object.assign(tenant.settings, settings());
    });

    const browser = new Browser();
    const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;
    const objectOf = (token) => createHash('sha256').update(token).digest('base64url');
    const audienceOf = ({ aud }) => [aud].flat().filter((one) => !one.endsWith('/userinfo'));

    async function freshTokens() {
      const tokens = await logIn(gateway, browser);
      tenant.resetCounts();
      return tokens;
    }

    const freshToken = async () => (await freshTokens()).refresh_token;

    /** The fields by which a request names an API; none of it for the token of the login. */
    const naming = (name) => (name ? { [parameter]: AUDIENCES[name] } : {});

    const form = (fields) => ({
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `${new URLSearchParams(fields)}`,
    });

    /**
     * Asks for a token for the API of this name.
     * @param {string} token
     * @param {string | undefined} name
     * @param {Record<string, any>} [how]
     */
    const refresh = (token, name, { at = gateway.ask, ...more } = {}) =>
      at(APIS, form({ grant_type: 'refresh_token', refresh_token: token, ...naming(name), ...more }));

    /** Asserts that an answer has a token for the API of this name, and returns the refresh token that came with it. */
    function assertServed(answer, name, message = name) {
      assertPrivateJson(answer, message);
      assert.deepEqual(audienceOf(claimsOf(answer.body.access_token)), [AUDIENCES[name] ?? DEFAULT_AUDIENCE], message);
      return answer.body.refresh_token;
    }

    /** Asserts a problem that brings the successor of the client's refresh token, and returns that. */
    function assertSucceeded({ body: { refresh_token: successor, ...body }, ...answer }, expected, message) {
      assertProblem({ ...answer, body }, expected, message);
      assert.ok(successor?.length > 20, `${message}: the successor`);
      return successor;
    }

    function assertFamily(token, expected, message) {
      const { rotations, revoked } = tenant.family(token);
      assert.deepEqual({ rotations, revoked }, expected, message);
    }

    /** Asks for all APIs at once, twenty requests in all, at two isolates; returns the refresh token that all of them got. */
    async function refreshAll(token, names = NAMES) {
      const sent = Array.from({ length: 20 }, async (_, index) => {
        const name = names[index % names.length];
        return [name, await refresh(token, name, { at: index % 3 ? gateway.ask : gateway.askOther })];
      });
      const successors = (await Promise.all(sent)).map(([name, answer]) => assertServed(answer, name));
      assert.equal(new Set(successors).size, 1, 'all get the last one');
      return successors[0];
    }

    test('a client gets the token of the login, or for the API that it names', async () => {
      let current = await freshToken();
      const first = current;
      for (const name of [undefined, ...NAMES, undefined]) current = assertServed(await refresh(current, name), name);
      const json = { 'content-type': 'application/json' };
      const body = (members) => ({ method: 'POST', headers: json, body: JSON.stringify(members) });
      current = assertServed(
        await gateway.ask(APIS, body({ refresh_token: current, ...naming('stock') })),
        'stock',
        'JSON',
      );
      const beside = body(naming('mail'));
      const header = { ...beside, headers: { ...json, 'x-refresh-token': current } };
      current = assertServed(await gateway.ask(APIS, header), 'mail', 'a body beside X-Refresh-Token');
      const withoutBody = { headers: { 'x-refresh-token': current } };
      current = assertServed(await gateway.ask(APIS, withoutBody), undefined, 'X-Refresh-Token and no body');
      assertServed(
        await gateway.ask(REFRESH, body({ refresh_token: current, ...naming('mail') })),
        undefined,
        'no list',
      );
      assertFamily(first, { rotations: exchanges(), revoked: false });
      assert.equal(exchanges(), 10);
    });

    test('the scope that a request names selects the entry with it', async () => {
      const token = await freshToken();
      const answer = await refresh(token, 'orders', { scope: 'write:orders read:orders' });
      assertServed(answer, 'orders');
      assert.deepEqual(claimsOf(answer.body.access_token).scope.split(' ').sort(), ['read:orders', 'write:orders']);
    });

    test('what is not listed costs no exchange and no refresh token', async () => {
      const token = await freshToken();
      const invalid = [400, 'invalid_target'];
      const other = parameter === 'audience' ? 'resource' : 'audience';
      /** @type {any[][]} */
      const table = [
        [{ [parameter]: 'https://other.example' }, invalid],
        [{ [parameter]: DEFAULT_AUDIENCE }, invalid],
        [{ [other]: AUDIENCES.orders }, invalid],
        [{ [parameter]: `${AUDIENCES.mail}/` }, invalid],
        [{ ...naming('orders'), scope: 'read:orders' }, invalid],
        [{ ...naming('mail'), scope: 'read:orders' }, invalid],
        [{ [parameter]: `${AUDIENCES.mail}\n\n${AUDIENCES.mail}` }, invalid],
        [{ [parameter]: 'x'.repeat(10_000) }, invalid],
      ];
      for (const [fields, expected] of table) {
        const answer = await gateway.ask(APIS, form({ refresh_token: token, ...fields }));
        assertProblem(answer, expected, JSON.stringify(fields).slice(0, 100));
      }
      const twice = form({ refresh_token: token, ...naming('mail') });
      twice.body += `&${new URLSearchParams(naming('orders'))}`;
      assertProblem(await gateway.ask(APIS, twice), [400, 'body_malformed'], 'two at once');
      const list = { refresh_token: token, [parameter]: [AUDIENCES.mail] };
      const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(list) };
      assertProblem(await gateway.ask(APIS, json), [400, 'body_malformed'], 'a list');
      assert.equal(exchanges(), 0);
      assertServed(await refresh(token, 'mail'), 'mail', 'the refresh token is as good as before');
    });

    test('twenty refreshes for four audiences are four exchanges in a row', async () => {
      const token = await freshToken();
      const successor = await refreshAll(token);
      assert.equal(exchanges(), 4);
      assertFamily(token, { rotations: 4, revoked: false }, 'none of them was a reuse');
      await refreshAll(successor, [...NAMES, undefined]);
      assert.equal(exchanges(), 9);
      assertFamily(token, { rotations: 9, revoked: false });
    });

    test('they all wait for a provider that is slow', async () => {
      const token = await freshToken();
      const hold = tenant.hold(TOKEN_ENDPOINT);
      const asking = refreshAll(token);
      await hold.arrived();
      await gateway.drained();
      assert.equal(hold.waiting, 1, 'no exchange begins before the one before it has ended');
      hold.release();
      await asking;
      assert.equal(exchanges(), 4);
      assertFamily(token, { rotations: 4, revoked: false });
    });

    test('a refresh token that is not rotated is used for all of them, also for late ones', async () => {
      tenant.settings.rotateRefreshTokens = false;
      const token = await freshToken();
      await Promise.all(NAMES.map(async (name) => assertServed(await refresh(token, name), name)));
      assert.equal(exchanges(), 4);
      assertServed(await refresh(token, undefined), undefined, 'a late one');
      assertFamily(token, { rotations: 0, revoked: false });
    });

    test('a late duplicate gets the same answer, and one for another API the successor instead', async () => {
      const token = await freshToken();
      const first = await refresh(token, 'orders');
      const successor = assertServed(first, 'orders');
      const evict = () =>
        gateway.miniflare.unsafeEvictDurableObject(workerName(0), 'RefreshExchange', { name: objectOf(token) });
      for (const prepare of [async () => {}, evict]) {
        await prepare();
        assert.equal((await refresh(token, 'orders', { at: gateway.askOther })).text, first.text, 'the same answer');
        for (const name of ['stock', undefined]) {
          const late = await refresh(token, name);
          assert.equal(assertSucceeded(late, USED, `late, for ${name}`), successor);
          assert.ok(!late.text.includes(first.body.access_token), 'and not the token of the other');
        }
      }
      assert.equal(exchanges(), 1);
      const current = assertServed(await refresh(successor, 'stock'), 'stock', 'by the successor');
      assertFamily(token, { rotations: 1 + 1, revoked: false });
      await later(GRACE_SECS + 1);
      assertServed(await refresh(current, 'mail'), 'mail', 'the login goes on');
    });

    test('past the grace the provider decides of a duplicate, whatever it is for', async () => {
      const token = await freshToken();
      await refreshAll(token);
      await later(GRACE_SECS + 1);
      assertProblem(await refresh(token, 'mail'), REFRESH_TOKEN_INVALID);
      assertFamily(token, { rotations: 4, revoked: true });
    });

    test('where the grace is 0, those who wait meanwhile get their tokens, and no later one anything', async () => {
      const token = await freshToken();
      const hold = tenant.hold(TOKEN_ENDPOINT);
      const sent = NAMES.map((name) => refresh(token, name, { at: graceless.ask }));
      await hold.arrived();
      await graceless.drained();
      hold.release();
      const answers = await Promise.all(sent);
      for (const [index, name] of NAMES.entries()) assertServed(answers[index], name);
      assert.equal(exchanges(), 4);
      assertProblem(await refresh(token, 'stock', { at: graceless.ask }), REFRESH_TOKEN_INVALID);
      assertFamily(token, { rotations: 4, revoked: true });
    });

    test('an answer that is lost on its way reaches each of them at the second try', async () => {
      const token = await freshToken();
      const hold = tenant.hold(TOKEN_ENDPOINT);
      const names = [...NAMES, ...NAMES];
      await graceless.loseReplies('RefreshExchange', { times: names.length });
      const sent = names.map((name) => refresh(token, name, { at: graceless.ask }));
      await hold.arrived();
      await graceless.drained();
      hold.release();
      const answers = await Promise.all(sent);
      for (const [index, name] of names.entries()) assertServed(answers[index], name);
      assert.equal(exchanges(), 4);
      assertFamily(token, { rotations: 4, revoked: false });
    });

    test('a token for another audience is never given, and the login goes on by what came with it', async () => {
      const tokens = await freshTokens();
      const edit = (answer) => ({
        ...answer,
        body: { ...JSON.parse(answer.body), access_token: tokens.access_token },
      });
      tenant.fault({ path: TOKEN_ENDPOINT, times: 1, edit });
      const answer = await refresh(tokens.refresh_token, 'orders');
      const successor = assertSucceeded(answer, UNAVAILABLE);
      assert.ok(!answer.text.includes(tokens.access_token));
      assert.match((await gateway.recordOf(answer)).reason, new RegExp(`aud .*see "${parameter}" of`));
      const late = await refresh(tokens.refresh_token, 'orders');
      assert.equal(assertSucceeded(late, UNAVAILABLE, 'a duplicate'), successor);
      assert.equal(exchanges(), 1);
      assertServed(await refresh(successor, 'orders'), 'orders', 'once the provider gives it');
      assertFamily(tokens.refresh_token, { rotations: 2, revoked: false });
    });

    test('a scope that was not given is 403 with what is missing, and the login goes on', async () => {
      const token = await freshToken();
      if (strict) {
        const edit = (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), scope: 'openid read:orders' } });
        tenant.fault({ path: TOKEN_ENDPOINT, times: 1, edit });
      } else {
        tenant.settings.policies = policies(NAMES, ['read:orders']);
      }
      const refused = await refresh(token, 'orders', { scope: 'read:orders write:orders' });
      const successor = assertSucceeded(refused, [403, 'insufficient_scope']);
      assert.match(refused.headers.get('www-authenticate'), /error="insufficient_scope".* scope="write:orders"$/);
      assertServed(await refresh(successor, 'orders'), 'orders', 'without the scope');
      assertFamily(token, { rotations: 2, revoked: false });
    });

    test('an audience that the provider refuses costs the others nothing', async () => {
      tenant.settings.rotateRefreshTokens = false;
      const token = await freshToken();
      const denied = '{"error":"access_denied","error_description":"Service not enabled within domain"}';
      const hold = tenant.hold(TOKEN_ENDPOINT);
      tenant.fault({ path: TOKEN_ENDPOINT, times: 1, status: 403, body: denied });
      const refused = refresh(token, 'orders');
      await hold.arrived();
      const others = NAMES.slice(1).map((name) => refresh(token, name));
      await gateway.drained();
      hold.release();
      const answer = await refused;
      assertProblem(answer, UNAVAILABLE);
      assert.match((await gateway.recordOf(answer)).reason, /^403 access_denied: .*see "/);
      for (const [index, other] of (await Promise.all(others)).entries()) assertServed(other, NAMES[index + 1]);
      assert.equal(exchanges(), 4);
      assertServed(await refresh(token, 'orders'), 'orders', 'it is asked again');
    });

    test('a failure is that of all who wait, and costs no login', async () => {
      const token = await freshToken();
      for (const [fault, expected] of /** @type {any[][]} */ ([
        [{ status: 500 }, [502, 'idp_error']],
        [{ status: 429, body: '{}', headers: { 'retry-after': '7' } }, [429, 'idp_rate_limited', '7']],
        [{ kind: 'malformed' }, [502, 'idp_error']],
        [{ kind: 'huge' }, [502, 'idp_error']],
        [{ kind: 'reset' }, [503, 'idp_unavailable', '5']],
        [{ status: 401, body: '{"error":"invalid_client"}' }, [502, 'idp_rejected']],
        [{ status: 403, body: '{"error":"mfa_required"}' }, [401, 'interaction_required']],
      ])) {
        tenant.resetCounts();
        tenant.fault({ path: TOKEN_ENDPOINT, times: NAMES.length, kind: 'status', ...fault });
        const sent = await Promise.all(NAMES.map((name) => refresh(token, name)));
        for (const answer of sent) assertProblem(answer, expected, JSON.stringify(fault));
        assert.ok(exchanges() >= 1);
        tenant.clearFaults();
      }
      await refreshAll(token);
      assertFamily(token, { rotations: 4, revoked: false });
    });

    test('one that fails ends the row, and those before it keep their tokens', async () => {
      const token = await freshToken();
      const hold = tenant.hold(TOKEN_ENDPOINT, { after: true });
      const first = refresh(token, 'orders');
      await hold.arrived();
      const others = NAMES.slice(1).map((name) => refresh(token, name));
      await gateway.drained();
      tenant.fault({ path: TOKEN_ENDPOINT, times: 1, kind: 'status', status: 500 });
      hold.release();
      const successor = assertServed(await first, 'orders');
      for (const answer of await Promise.all(others))
        assert.equal(assertSucceeded(answer, [502, 'idp_error']), successor, 'with the one in the place of theirs');
      assert.equal(exchanges(), 2, 'the rest did not ask a provider that fails');
      await refreshAll(successor);
      assertFamily(token, { rotations: 5, revoked: false });
    });

    test('a failure long after the others were served is no reason to use the refresh token again', async () => {
      const token = await freshToken();
      const first = tenant.hold(TOKEN_ENDPOINT, { after: true });
      const sent = ['orders', 'stock'].map((name) => refresh(token, name));
      await first.arrived();
      await gateway.drained();
      tenant.fault({ path: TOKEN_ENDPOINT, times: 1, kind: 'status', status: 500 });
      const second = tenant.hold(TOKEN_ENDPOINT);
      first.release();
      await second.arrived();
      await later(GRACE_SECS + 1);
      second.release();
      const answers = await Promise.all(sent);
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 502]);
      const successor = assertSucceeded(await refresh(token, 'mail'), USED, 'a retry');
      await refreshAll(successor);
      assertFamily(token, { rotations: 5, revoked: false });
    });

    test('who waits for a row waits for as long as it may take', async () => {
      const token = await freshToken();
      const first = tenant.hold(TOKEN_ENDPOINT);
      const sent = ['orders', 'stock'].map((name) => refresh(token, name));
      await first.arrived();
      await gateway.drained();
      await elapse(8);
      const second = tenant.hold(TOKEN_ENDPOINT);
      first.release();
      await second.arrived();
      await elapse(8);
      second.release();
      const [orders, stock] = await Promise.all(sent);
      assertServed(orders, 'orders');
      assertServed(stock, 'stock');
      assertFamily(token, { rotations: 2, revoked: false });
    });

    test('a refresh token that the provider does not know is shown to it once', async () => {
      const token = `unknown-${'x'.repeat(40)}`;
      const hold = tenant.hold(TOKEN_ENDPOINT);
      const sent = NAMES.map((name) => refresh(token, name));
      await hold.arrived();
      await gateway.drained();
      hold.release();
      for (const answer of await Promise.all(sent)) assertProblem(answer, REFRESH_TOKEN_INVALID);
      assert.equal(exchanges(), 1);
    });

    test('an object that restarts in the first or the second exchange of a row loses no login', async () => {
      tenant.settings.rotationOverlapSeconds = LOST_WINDOW_SECS;
      for (const lost of ['first', 'second']) {
        const token = await freshToken();
        let hold = tenant.hold(TOKEN_ENDPOINT);
        const sent = NAMES.map((name) => refresh(token, name));
        await hold.arrived();
        await gateway.drained();
        if (lost === 'second') {
          const first = hold;
          hold = tenant.hold(TOKEN_ENDPOINT);
          first.release();
          await hold.arrived();
        }
        await gateway.loseAnswers(1);
        hold.release();
        let current = token;
        for (const answer of await Promise.all(sent)) {
          // Whichever way it ended, the client knows how to go on.
          assert.ok([200, 409].includes(answer.status), answer.text);
          current = answer.body.refresh_token;
        }
        for (const name of NAMES) {
          let answer = await refresh(current, name);
          if (answer.status === 409) answer = await refresh(assertSucceeded(answer, USED), name);
          current = assertServed(answer, name, `${name}, after the ${lost} was lost`);
        }
        assert.equal(tenant.family(token).revoked, false);
      }
    });

    test('a token that is still valid keeps no client from that for an API', async () => {
      const tokens = await freshTokens();
      const authorization = `Bearer ${tokens.access_token}`;
      const asked = form({ refresh_token: tokens.refresh_token, ...naming('stock') });
      const answer = await gateway.ask(APIS, { ...asked, headers: { ...asked.headers, authorization } });
      const successor = assertServed(answer, 'stock');
      const plain = form({ refresh_token: successor });
      const valid = await gateway.ask(APIS, { ...plain, headers: { ...plain.headers, authorization } });
      assert.equal(valid.body.code, 'token_still_valid');
      assert.equal(exchanges(), 1);
    });

    if (strict) {
      test('a refusal that has spent the refresh token ends the login at the next refresh', async () => {
        const token = await freshToken();
        tenant.settings.withheldResources = [AUDIENCES.orders];
        const refused = await refresh(token, 'orders');
        assertProblem(refused, UNAVAILABLE);
        assert.match((await gateway.recordOf(refused)).reason, /^400 invalid_target: .*see "resource" of/);
        assertProblem(await refresh(token, 'stock'), REFRESH_TOKEN_INVALID);
      });
    } else {
      test('an audience without a policy brings the token of the login, which is not given for it', async () => {
        tenant.settings.policies = policies(['stock']);
        const token = await freshToken();
        const refused = await refresh(token, 'orders');
        const successor = assertSucceeded(refused, UNAVAILABLE);
        assert.match((await gateway.recordOf(refused)).reason, /aud .*refresh_token\.policies/);
        assertServed(await refresh(successor, 'stock'), 'stock', 'one with a policy');
        assertFamily(token, { rotations: 2, revoked: false });
      });
    }

    test('the binding of the objects is required, and no token is ever in the log', async (t) => {
      const objectless = await startObeyingGateway(tenant, { authorizer, paths: [refreshPath()], objects: [] });
      t.after(() => objectless.close());
      const token = await freshToken();
      assertProblem(await refresh(token, 'mail', { at: objectless.ask }), [503, 'config_invalid']);
      assert.equal(exchanges(), 0);
      const given = await refresh(token, 'mail');
      const { access_token: access, refresh_token: rotated } = given.body;
      assertSucceeded(await refresh(token, 'stock'), USED);
      await assertNeverShown(gateway, { token, access, rotated }, { inAnswers: false });
    });
  });
}
