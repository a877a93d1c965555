// Makes spans and measurements of requests, and sends them to an OpenTelemetry collector: OTLP over HTTP, in JSON. Names are those of
// OpenTelemetry's semantic conventions for HTTP.

import { fetchWithin } from '../runtime/fetch.js';
import { change } from '../runtime/headers.js';
import { write } from '../runtime/log.js';

/** What requests of the isolate record is sent so much later, together. */
const PAUSE_MS = 1_000;
/** So many spans, and so many rows of measurements, are recorded in that time at most. */
const RECORDED_MAX = 1_000;
/** So much of a path is recorded: clients make them up. */
const PATH_MAX = 1_024;
const SENT_MAX_MS = 5_000;
const WARNED_MS = 60_000;

/** The bounds of the histogram in seconds that the conventions advise. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Methods by which requests are told apart: a client could make up any number of others. */
const METHODS = /^(CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|QUERY|TRACE)$/;

const [INTERNAL_ERROR, SERVER, CLIENT, DELTA, ERROR] = [500, 2, 3, 1, 2];

/** @type {object[]} */
let spans = [];
/** Measurements, by their attributes as JSON. @type {Map<string, { count: number, sum: number, buckets: number[] }>} */
let rows = new Map();
/** When the first of them was made. */
let since = 0;
/** Until when a request that sends them is waited for: one that was cut off does not come. */
let awaited = 0;
let warned = -WARNED_MS;

/** A time in JSON: a text, since nanoseconds are beyond the numbers of JavaScript. @param {number} ms */
const nanos = (ms) => `${Math.round(ms * 1000)}000`;

/** Lists attributes, without those that have no value. @param {Record<string, string | number>} values */
const attributes = (values) =>
  Object.entries(values)
    .filter(([, value]) => value)
    .map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
    }));

/** @param {string} origin */
function server(origin) {
  const { protocol, hostname, port } = new URL(origin);
  return { 'server.address': hostname, 'server.port': Number(port) || (protocol === 'https:' ? 443 : 80) };
}

/** Adds to the measurements. @param {string} key @param {number} seconds */
function measure(key, seconds) {
  const row = rows.get(key) ?? { count: 0, sum: 0, buckets: Array(BOUNDS.length + 1).fill(0) };
  row.count += 1;
  row.sum += seconds;
  const bucket = BOUNDS.findIndex((bound) => seconds <= bound);
  row.buckets[bucket < 0 ? BOUNDS.length : bucket] += 1;
  if (rows.size < RECORDED_MAX || rows.has(key)) rows.set(key, row);
}

/**
 * @param {ExecutionContext} context
 * @param {string} settings
 * @param {string} texts
 * @param {number[]} numbers
 */
export function record_request(context, settings, texts, numbers) {
  const [given, route, origin, path, code, traceparent, cameWith, upstream] = texts.split('\n');
  const [status, began, ended, callBegan, callTook, callStatus, warns] = numbers;
  const method = METHODS.test(given) ? given : '_OTHER';
  const [, traceId, sent, flags] = traceparent.split('-');
  const fails = status >= INTERNAL_ERROR;
  const told = {
    'http.request.method': method,
    'url.scheme': origin.slice(0, origin.indexOf(':')),
    'http.route': route,
    'http.response.status_code': status,
    'error.type': code || (fails ? String(status) : ''),
  };
  if (since === 0) since = began;
  measure(JSON.stringify(told), (ended - began) / 1000);
  if (Number(flags) & 1 && spans.length < RECORDED_MAX) {
    // What the upstream got is the span of the call, if there was one.
    const spanId = upstream ? crypto.getRandomValues(new Uint8Array(8)).toHex() : sent;
    spans.push({
      traceId,
      spanId,
      parentSpanId: cameWith.split('-')[2],
      name: `${method === given ? method : 'HTTP'} ${route}`.trim(),
      kind: SERVER,
      startTimeUnixNano: nanos(began),
      endTimeUnixNano: nanos(ended),
      attributes: attributes({ ...told, 'url.path': path.slice(0, PATH_MAX), ...server(origin) }),
      status: fails ? { code: ERROR } : undefined,
    });
    if (upstream) {
      const isWrong = callStatus === 0 || callStatus >= 400;
      spans.push({
        traceId,
        spanId: sent,
        parentSpanId: spanId,
        name: method === given ? method : 'HTTP',
        kind: CLIENT,
        startTimeUnixNano: nanos(callBegan),
        endTimeUnixNano: nanos(callBegan + callTook),
        attributes: attributes({
          'http.request.method': method,
          ...server(upstream),
          'http.response.status_code': callStatus,
          'error.type': isWrong ? String(callStatus || code) : '',
        }),
        status: isWrong ? { code: ERROR } : undefined,
      });
    }
  }
  if (awaited > ended) return;
  awaited = ended + 2 * PAUSE_MS;
  const soon = new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  context.waitUntil(soon.then(() => send(settings, warns === 1)));
}

/** Sends what was recorded, once. @param {string} settings @param {boolean} warns */
async function send(settings, warns) {
  const [endpoint, name] = settings.split('\n', 2);
  const headers = new Headers();
  change(headers, settings, 2);
  headers.set('content-type', 'application/json');
  const resource = { attributes: attributes({ 'service.name': name }) };
  const scope = { name: 'bargate' };
  const [startTimeUnixNano, timeUnixNano] = [nanos(since), nanos(Date.now())];
  const dataPoints = Array.from(rows, ([key, { count, sum, buckets }]) => ({
    attributes: attributes(JSON.parse(key)),
    startTimeUnixNano,
    timeUnixNano,
    count: String(count),
    sum,
    bucketCounts: buckets.map(String),
    explicitBounds: BOUNDS,
  }));
  const histogram = { aggregationTemporality: DELTA, dataPoints };
  const metrics = [{ name: 'http.server.request.duration', unit: 's', histogram }];
  const bodies = {
    metrics: { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }] },
    traces: spans.length && { resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] },
  };
  [spans, rows, since, awaited] = [[], new Map(), 0, 0];
  const sent = Object.entries(bodies).map(async ([kind, body]) => {
    if (!body) return;
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const refused = await fetchWithin(SENT_MAX_MS, `${endpoint}/v1/${kind}`, init, async (response) => {
      await response.body?.cancel();
      return response.ok ? '' : `it answers ${response.status}`;
    }).catch(() => 'it does not answer');
    if (!refused || !warns || Date.now() < warned + WARNED_MS) return;
    warned = Date.now();
    const message = `the collector did not take what was recorded: ${refused}`;
    write('warn', JSON.stringify({ level: 'warn', code: 'otlp_unavailable', message }));
  });
  await Promise.all(sent);
}
