// W3C Trace Context (https://www.w3.org/TR/trace-context/): a trace that a client began goes on behind the gateway, what is none
// is begun anew, and the log tells by which trace a forwarded request can be found.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { proxied, sendRaw, startGateway } from '../support/harness.mjs';
import { fresh } from '../support/rules.mjs';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const VALID = `00-${TRACE}-${PARENT}-01`;
// Version, trace id, parent id, flags; section 3.2.2: lower case, neither id all zeros, no flag but those that are defined.
const FORM = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-(0[0-3])$/;

let api;
let gateway;

before(async () => {
  api = await startApi();
  gateway = await startGateway({
    config: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'nobody', url: 'http://127.0.0.1:1' },
      ],
      paths: [
        proxied('/api/{.+}', 'api'),
        proxied('/nobody', 'nobody'),
        { method: 'GET', path: '/fixed', response: {} },
        proxied('/private', 'api', { auth: true }),
      ],
      authorizer: { type: 'auth0', domain: 'tenant.example', client_id: 'any' },
    },
  });
});

after(async () => {
  for (const started of [gateway, api]) await started?.close();
});

beforeEach(() => {
  api.requests.length = 0;
});

/** Sends a request through the gateway and gives what the upstream and the log were told of the trace. */
async function traced(headers, path = '/api/x') {
  const id = fresh('trace-');
  await sendRaw(gateway.origin, { path, headers: { ...headers, 'x-request-id': id } });
  const record = await gateway.record(({ request_id: own }) => own === id);
  const { traceparent, tracestate } = api.requests.at(-1)?.headers ?? {};
  const [, trace, parent, flags] = FORM.exec(traceparent) ?? [];
  return { traceparent, tracestate, trace, parent, flags, logged: record.trace_id };
}

function assertBegun(seen, message) {
  assert.match(seen.traceparent, FORM, message);
  assert.notEqual(seen.trace, TRACE, message);
  assert.equal(seen.logged, seen.trace, message);
}

describe('a trace goes on, with a parent id of the gateway', () => {
  for (const [message, header, sampled] of [
    ['that is sampled', VALID, true],
    ['that is not sampled', `00-${TRACE}-${PARENT}-00`, false],
    ['with a random id (level 2)', `00-${TRACE}-${PARENT}-03`, true],
    ['with flags that are not defined, which are not passed on', `00-${TRACE}-${PARENT}-fd`, true],
    ['with flags that are not defined, and not sampled', `00-${TRACE}-${PARENT}-f8`, false],
    ['with space around it', ` ${VALID} `, true],
    ['of a later version, which is read as far as it is known', `cc-${TRACE}-${PARENT}-01`, true],
    ['of a later version that has more to say', `cc-${TRACE}-${PARENT}-01-what-the-future-will-be-like`, true],
    ['of a later version that has nothing to say behind its last dash', `cc-${TRACE}-${PARENT}-00-`, false],
    ['of the last version but one', `fe-${TRACE}-${PARENT}-01`, true],
  ]) {
    test(message, async () => {
      const seen = await traced({ traceparent: header });
      assert.match(seen.traceparent, FORM);
      assert.deepEqual([seen.trace, seen.logged], [TRACE, TRACE]);
      assert.notEqual(seen.parent, PARENT);
      assert.equal(Boolean(parseInt(seen.flags, 16) & 1), sampled, 'the decision to sample is kept');
    });
  }

  test('another for each request', async () => {
    const parents = new Set();
    for (let round = 0; round < 20; round += 1) parents.add((await traced({ traceparent: VALID })).parent);
    assert.equal(parents.size, 20);
  });
});

describe('a trace is begun where what came is none', () => {
  for (const [message, header] of [
    ['nothing', undefined],
    ['an empty value', ''],
    ['a word', 'trace'],
    ['version ff, which is forbidden', `ff-${TRACE}-${PARENT}-01`],
    ['a version in upper case', `CC-${TRACE}-${PARENT}-01`],
    ['a version of one digit', `0-${TRACE}-${PARENT}-01`],
    ['a version of three digits', `000-${TRACE}-${PARENT}-01`],
    ['a version that is no number', `qz-${TRACE}-${PARENT}-01`],
    ['a trace id in upper case', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ['a parent id in upper case', `00-${TRACE}-${PARENT.toUpperCase()}-01`],
    ['flags in upper case', `00-${TRACE}-${PARENT}-0A`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['a parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a trace id of zeros in a later version', `cc-${'0'.repeat(32)}-${PARENT}-01`],
    ['a trace id that is short', `00-${TRACE.slice(1)}-${PARENT}-01`],
    ['a trace id that is long', `00-${TRACE}0-${PARENT}-01`],
    ['a parent id that is short', `00-${TRACE}-${PARENT.slice(1)}-01`],
    ['a parent id that is long', `00-${TRACE}-${PARENT}0-01`],
    ['a trace id that is no number', `00-${TRACE.slice(1)}g-${PARENT}-01`],
    ['a parent id that is no number', `00-${TRACE}-${PARENT.slice(1)}.-01`],
    ['flags that are no number', `00-${TRACE}-${PARENT}-0x`],
    ['flags of one digit', `00-${TRACE}-${PARENT}-1`],
    ['no flags', `00-${TRACE}-${PARENT}`],
    ['a dash behind version 00', `00-${TRACE}-${PARENT}-01-`],
    ['more behind version 00', `00-${TRACE}-${PARENT}-01-more`],
    ['more behind a later version without a dash', `cc-${TRACE}-${PARENT}-01.more`],
    ['other dashes', `00_${TRACE}_${PARENT}_01`],
    ['spaces inside', `00 - ${TRACE} - ${PARENT} - 01`],
    ['two of them', [VALID, `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`]],
    ['one of them twice', [VALID, VALID]],
    ['one in a list', `${VALID},`],
    ['bytes that are not ASCII', `00-${TRACE}-${PARENT}-0\u00e9`],
  ]) {
    test(message, async () => {
      const seen = await traced(header === undefined ? {} : { traceparent: header, tracestate: 'vendor=1' });
      assertBegun(seen, message);
      assert.equal(seen.tracestate, undefined, 'what belongs to another trace does not go on');
    });
  }

  test('another for each request', async () => {
    const traces = new Set();
    for (let round = 0; round < 20; round += 1) traces.add((await traced({})).trace);
    assert.equal(traces.size, 20);
  });
});

describe('tracestate', () => {
  for (const [message, sent, expected] of [
    ['of one vendor', 'vendor=00f067aa0ba902b7', 'vendor=00f067aa0ba902b7'],
    ['of several, in their order', 'b=2,a=1, c@d=3', 'b=2,a=1, c@d=3'],
    ['in several lines, which are one list', ['b=2', 'a=1'], 'b=2, a=1'],
  ]) {
    test(`goes on with its trace: ${message}`, async () => {
      const { tracestate, trace } = await traced({ traceparent: VALID, tracestate: sent });
      assert.equal(trace, TRACE);
      assert.equal([tracestate].flat().join(', ').replaceAll(/, */g, ','), expected.replaceAll(/, */g, ','));
    });
  }

  test('goes on with a trace of a later version', async () => {
    assert.equal((await traced({ traceparent: `cc-${TRACE}-${PARENT}-01-x`, tracestate: 'a=1' })).tracestate, 'a=1');
  });

  test('goes nowhere without a trace', async () => {
    const seen = await traced({ tracestate: 'a=1' });
    assertBegun(seen);
    assert.equal(seen.tracestate, undefined);
  });

  test('is not made up', async () => assert.equal((await traced({ traceparent: VALID })).tracestate, undefined));
});

describe('the log', () => {
  test('tells the trace of a request that was forwarded in vain', async () => {
    assert.equal((await traced({ traceparent: VALID }, '/nobody')).logged, TRACE);
    assert.match((await traced({}, '/nobody')).logged, /^[0-9a-f]{32}$/);
  });

  test('tells none of a request that was not forwarded', async () => {
    for (const path of ['/fixed', '/nowhere', '/private']) {
      assert.equal((await traced({ traceparent: VALID }, path)).logged, undefined, path);
    }
    assert.deepEqual(api.requests, []);
  });
});

test('a WebSocket is traced like any other request', async () => {
  const headers = { traceparent: VALID, tracestate: 'a=1' };
  const socket = new WebSocket(`${gateway.origin.replace('http', 'ws')}/api/socket`, { headers });
  await once(socket, 'open');
  socket.close();
  await once(socket, 'close');
  const { traceparent, tracestate } = api.requests[0].headers;
  const [, trace, parent] = FORM.exec(traceparent) ?? [];
  assert.deepEqual([trace, parent !== PARENT, tracestate], [TRACE, true, 'a=1']);
});

test('a client cannot have the gateway forget the trace by calling it a matter of its connection', async () => {
  const seen = await traced({ connection: 'close, traceparent', traceparent: VALID });
  assert.match(seen.traceparent, FORM);
});
