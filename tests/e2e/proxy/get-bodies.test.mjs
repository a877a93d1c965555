// GET and HEAD with a body, which has no meaning (RFC 9110 section 9.3.1): it reaches some, and is no failure of anybody. What `cache`
// makes of one is in cache-limits.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { proxied, sendRaw, startUpstream } from '../support/harness.mjs';
import { BOUND, SERVICE_BINDINGS, bound } from '../support/service-flow.mjs';
import { startBareGateway } from '../support/wire.mjs';

const GUARD = { pre_process: { binding: 'functions', function: 'judge' } };

let upstream;
let gateway;

before(async () => {
  upstream = await startUpstream((request, response) => request.resume().once('end', () => response.end('reached')));
  gateway = await startBareGateway({
    ...BOUND,
    config: {
      servers: [
        { alias: 'one', url: upstream.origin },
        { alias: 'several', urls: [upstream.origin, upstream.origin] },
      ],
      serviceBindings: SERVICE_BINDINGS,
      paths: [
        proxied('/plain', 'one'),
        proxied('/limited', 'one', { max_body_bytes: 1000 }),
        proxied('/limited-several', 'several', { max_body_bytes: 1000 }),
        proxied('/guarded', 'one', GUARD),
        proxied('/guarded-limited', 'one', { ...GUARD, max_body_bytes: 1000 }),
        { method: 'ANY', path: '/guarded-fixed', response: 'fixed', ...GUARD },
        bound('/called', 'tell'),
        bound('/called-limited', 'tell', { max_body_bytes: 1000 }),
        bound('/bound-limited', undefined, { max_body_bytes: 1000 }),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

describe('a body that a GET or HEAD has fails no path:', () => {
  for (const path of [
    'plain',
    'limited',
    'limited-several',
    'guarded',
    'guarded-limited',
    'guarded-fixed',
    'called',
    'called-limited',
    'bound-limited',
  ]) {
    for (const [message, headers] of [
      ['whose length is known', { 'content-length': '5' }],
      ['in chunks', { 'transfer-encoding': 'chunked' }],
    ]) {
      test(`${path}, one ${message}`, async () => {
        for (const method of ['GET', 'HEAD']) {
          const answer = await sendRaw(gateway.bare, { path: `/${path}`, method, headers, body: 'hello' });
          assert.equal(answer.status, 200, `${method}: ${answer.text}`);
        }
      });
    }
  }
});
