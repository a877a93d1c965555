// What the tests of `cache` share: a gateway with paths that are cached in different ways, in front of an upstream that tells
// what it was asked. Nothing tells when an answer has been put away, so a test asks until it is; if one must not be, it waits
// for another that was asked for later.

import assert from 'node:assert/strict';
import { startTenant } from '../../../dev/tenant.mjs';
import { proxied, startGateway, startUpstream, until } from './harness.mjs';
import { APP, authorizerOf, fresh } from './rules.mjs';

export const OTHER_APP = 'https://other.example';
export const HIT = 'bargate; hit';
export const MISS = 'bargate; fwd=miss';

const LONG_SECS = 600;

/**
 * Starts tenant, upstream and gateway; `options` go to the gateway, `keeping` to the `cache` of `/kept/`.
 * @param {Record<string, any>} [options]
 * @param {Record<string, any>} [keeping]
 */
export async function startCachingGateway(options = {}, keeping = {}) {
  const asked = [];
  let answers = [];
  const tenant = await startTenant();
  const upstream = await startUpstream((request, response) => {
    asked.push({ method: request.method, url: request.url, headers: request.headers });
    const [, answer] = answers.find(([end]) => request.url.endsWith(end)) ?? [];
    // Each answer differs from all others, unless a test has it otherwise.
    return answer ? answer(request, response) : response.end(fresh('answer '));
  });
  const cached = (path, cache = {}, more = {}) =>
    proxied(path, 'own', { cache: { ttl_seconds: LONG_SECS, ...cache }, ...more });
  const gateway = await startGateway({
    config: {
      servers: [{ alias: 'own', url: upstream.origin }],
      cors: { allow_origins: [APP, OTHER_APP], expose_headers: ['cache-status'] },
      authorizer: authorizerOf(tenant),
      paths: [
        cached('/kept/{.+}', keeping, { method: 'GET' }),
        cached('/any/{.+}'),
        cached('/short/{.+}', { ttl_seconds: 1 }),
        cached('/vary/{.+}', { vary: ['accept-language', 'X-Kind'] }),
        cached('/mine/{.+}', { per_user: true }, { auth: true }),
        proxied('/plain/{.+}', 'own'),
      ],
    },
    ...options,
  });
  const get = (path, headers = {}) => gateway.ask(path, { headers });
  const times = (path) => asked.filter(({ url }) => path.endsWith(url)).length;

  return {
    ...gateway,
    tenant,
    asked,
    get,
    /** How often the upstream was asked for what lies at a path of the gateway's. */
    times,
    /** Makes the upstream answer by a node:http listener, at a path of the gateway's or at all. */
    answerBy(listener, path = '') {
      answers.unshift([path.slice(path.lastIndexOf('/')), listener]);
    },
    forget() {
      [answers, asked.length] = [[], 0];
    },
    /** Asks until the answer is a kept one, and gives it. */
    async kept(path, headers) {
      let answer;
      await until(async () => {
        answer = await get(path, headers);
        return statusOf(answer) === HIT;
      });
      return answer;
    },
    /** Asserts that what is asked for comes from the upstream each time. */
    async assertNotKept(path, headers, message) {
      for (const round of ['first', 'second', 'third']) {
        const before = times(path);
        const answer = await get(path, headers);
        assert.notEqual(statusOf(answer), HIT, `${message}: the ${round} time`);
        assert.equal(times(path), before + 1, `${message}: the ${round} time`);
        await this.kept(fresh('/any/later-'));
      }
    },
    async close() {
      await gateway.close();
      await Promise.all([upstream.close(), tenant.close()]);
    },
  };
}

/** What an answer says of the cache. */
export const statusOf = (answer) => answer.headers.get('cache-status');
