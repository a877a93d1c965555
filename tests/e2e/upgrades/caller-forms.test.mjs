// As upgrades.test.mjs, for what caller-forms.mjs has stored: what a version has given to callers that are no browsers is good at the next,
// and what was used is used; and what a later version has stored waits for that.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { importJWK } from 'jose';
import {
  CALLERS,
  MCP_SESSION,
  allow,
  ask,
  comeBack,
  formOf,
  proofOf,
  prove,
  renew,
  send,
} from '../support/caller-forms.mjs';
import { later } from '../support/clock.mjs';
import { FIXTURES, NOW_MS, goOn, keepsAll, laterObjects, waitsAnew } from '../support/upgrades.mjs';

const versions = readdirSync(FIXTURES).filter((version) => existsSync(join(FIXTURES, version, CALLERS)));

const assertStatus = ({ status, text }, expected) => assert.equal(status, expected, text);
const assertProblem = ({ status, body, text }, expected) => assert.deepEqual([status, body?.code], expected, text);
const STORE_UNAVAILABLE = [503, 'store_unavailable'];

const freshProof = async ({ holder, token }) => {
  const privateKey = await importJWK(holder.privateKey, holder.alg);
  return { token, proof: await proofOf({ ...holder, privateKey }, token) };
};
const counted = (gateway, key) => ask(gateway, '/counted', { headers: { 'x-key': key } });
const keyed = (gateway, key) => ask(gateway, '/keyed', { headers: { 'x-api-key': key } });
const call = (gateway, { tokens, session }) =>
  ask(gateway, '/mcp', {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens.access_token}`, [MCP_SESSION]: session },
  });

test('the version at hand has left something of callers that are no browsers', () => {
  assert.ok(versions.length > 0);
});

for (const version of versions) {
  const folder = join(FIXTURES, version, CALLERS);
  const change = (how) => ({ change: how });

  describe(`what version ${version} has left of callers that are no browsers:`, () => {
    const goesOn = (name, body) => test(name, () => goOn(folder, body));

    goesOn('a proof that was used is used, and another of its key is taken', async (gateway, { bound }) => {
      assertProblem(await prove(gateway, bound), [401, 'invalid_dpop_proof']);
      const { reason } = await gateway.record(({ reason }) => reason?.startsWith('the proof'));
      assert.equal(reason, 'the proof: it was used before');
      assertStatus(await prove(gateway, await freshProof(bound)), 200);
    });

    goesOn('an API key is known by its record', async (gateway, { key }) => {
      assertStatus(await keyed(gateway, key), 200);
    });

    goesOn('a session of an MCP server is still that of its user', async (gateway, handed) => {
      const answer = await call(gateway, handed);
      assertStatus(answer, 200);
      assert.equal(answer.headers.get(MCP_SESSION), handed.session);
    });

    goesOn('a request that was counted counts', async (gateway) => {
      assertStatus(await counted(gateway, 'somebody'), 429);
      assertStatus(await counted(gateway, 'somebody else'), 200);
    });

    goesOn('a question to a user is answered', async (gateway, { question }) => {
      const state = await allow(gateway, question);
      const code = await comeBack(gateway, { cookie: question.cookie, state });
      assertStatus(await send(gateway, '/token', formOf(code, question.verifier)), 200);
    });

    goesOn('a login for a client comes back', async (gateway, { login }) => {
      const code = await comeBack(gateway, login);
      assertStatus(await send(gateway, '/token', formOf(code, login.verifier)), 200);
    });

    goesOn('a code of a client is taken up', async (gateway, { code }) => {
      assertStatus(await send(gateway, '/token', code), 200);
    });

    goesOn('a refresh token of a client is used, and the next one too', async (gateway, { tokens }) => {
      const renewed = await renew(gateway, tokens.refresh_token);
      assertStatus(renewed, 200);
      assertStatus(await renew(gateway, renewed.body.refresh_token), 200);
    });
  });

  describe(`of what version ${version} has left of such callers, as a later version stores it:`, () => {
    test('no proof of that time is taken', () =>
      goOn(
        folder,
        async (gateway, { bound }, { objects }) => {
          for (const sent of [bound, await freshProof(bound)])
            assertProblem(await prove(gateway, sent), STORE_UNAVAILABLE);
          for (const object of objects.filter(({ binding }) => binding === 'DPOP_PROOFS'))
            await waitsAnew(gateway, object);
          await keepsAll(gateway, objects, 'DPOP_PROOFS');
        },
        change(laterObjects('DPOP_PROOFS')),
      ));

    describe('nobody passes a limit that is counted there, until nothing of that counts:', () => {
      /** The period of the path and a day, which is the longest, each with the part that a count may last longer. */
      const PERIOD_SECS = 3636;
      const DAY_SECS = 87_264;
      const after = (seconds) => NOW_MS + seconds * 1000;
      const waits = (name, body) =>
        test(name, () =>
          goOn(
            folder,
            async (gateway, _, { objects }) => {
              const object = objects.find(({ binding }) => binding === 'RATE_LIMITS');
              const refused = async () => assertProblem(await counted(gateway, 'somebody'), STORE_UNAVAILABLE);
              /** Everything that the later version has stored is there, and the alarm is set. */
              const isLeft = async (until, message) => {
                const { entries, alarm } = await gateway.look(object.binding, object.name);
                assert.deepEqual([entries, alarm], [{ ...object.entries, left: until }, until], message);
              };
              await body(gateway, { ring: () => gateway.ring(object), refused, isLeft });
              const statuses = [await counted(gateway, 'somebody'), await counted(gateway, 'somebody')];
              assert.deepEqual(
                statuses.map(({ status }) => status),
                [200, 429],
                'it is counted anew',
              );
            },
            change(laterObjects('RATE_LIMITS')),
          ),
        );

      waits('for a period from the first request', async (gateway, { ring, refused, isLeft }) => {
        await refused();
        await isLeft(after(PERIOD_SECS), 'a request came');
        await later(30);
        await refused();
        // What was counted first is over, and what was counted last is not.
        await ring();
        await refused();
        await isLeft(after(PERIOD_SECS), 'the alarm of the first count has rung');
        assertStatus(await counted(gateway, 'somebody else'), 200);
        await later(PERIOD_SECS - 30);
        await refused();
        await ring();
      });

      waits('for a day from the alarm, if no request comes', async (_, { ring, isLeft }) => {
        await ring();
        await isLeft(after(DAY_SECS), 'the alarm has rung');
        await later(DAY_SECS);
        await ring();
      });

      waits('and for a period from one that comes after the alarm', async (_, { ring, refused, isLeft }) => {
        await ring();
        await later(60);
        await refused();
        await isLeft(after(60 + PERIOD_SECS), 'a request came');
        await later(PERIOD_SECS);
        await ring();
      });
    });

    test('an API key whose record may say less opens nothing', () =>
      goOn(folder, async (gateway, { key }) => assertProblem(await keyed(gateway, key), STORE_UNAVAILABLE), {
        change({ kv: { API_KEYS: records } }) {
          for (const [name, text] of Object.entries(records))
            records[name] = JSON.stringify({ ...JSON.parse(text), version: 2 });
        },
      }));

    test('a client logs in again, and its server begins another session', () =>
      goOn(folder, async (gateway, handed) => {
        const { status, body } = await renew(gateway, `2.${handed.tokens.refresh_token}`);
        assert.deepEqual([status, body.error], [400, 'invalid_grant']);
        const session = `2${handed.session.slice(1)}`;
        assertProblem(await call(gateway, { ...handed, session }), [404, 'mcp_session_not_found']);
      }));
  });
}
