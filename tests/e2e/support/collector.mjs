// An OpenTelemetry collector, as far as OTLP over HTTP in JSON goes. What arrives is parsed by OpenTelemetry's own definitions: a field
// that they do not know, or that has another type, is a failure.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { startUpstream, until } from './harness.mjs';

const { opentelemetry } = createRequire(import.meta.url)('@opentelemetry/otlp-transformer/build/src/generated/root.js');
const { trace, metrics } = opentelemetry.proto.collector;
const KINDS = {
  '/v1/traces': trace.v1.ExportTraceServiceRequest,
  '/v1/metrics': metrics.v1.ExportMetricsServiceRequest,
};

/** Numbers of 64 bits are texts in JSON; an id is hexadecimal, which passes as the base64 of something else and comes back as it was. */
const AS_JSON = { longs: String, bytes: String };

const ID = { traceId: /^[0-9a-f]{32}$/, spanId: /^[0-9a-f]{16}$/, parentSpanId: /^[0-9a-f]{16}$/ };

/** Starts a collector, at `prefix` of its origin. */
export async function startCollector(prefix = '/otlp') {
  const collector = {
    /** Each request as it came. @type {{ path: string, headers: Record<string, any>, text: string }[]} */
    requests: [],
    /** What could not be parsed. @type {unknown[]} */
    failures: [],
    /** @type {any[]} */
    spans: [],
    /** Data points of `http.server.request.duration`. @type {any[]} */
    points: [],
    /** Resources, each by its attributes. @type {any[]} */
    resources: [],
    /** Answers in place of what a collector says. @type {((request: any, response: any) => void) | undefined} */
    answer: undefined,
    endpoint: '',
    /** Returns the spans of a trace once one is there for which `wanted` is true. */
    async spansWith(wanted) {
      const found = await until(() => collector.failures.length || collector.spans.find(wanted));
      assert.deepEqual(collector.failures, []);
      return collector.spans.filter(({ traceId }) => traceId === found.traceId);
    },
    close: () => server.close(),
  };

  const take = (path, text) => {
    const kind = KINDS[path.slice(prefix.length)];
    const body = JSON.parse(text);
    assert.deepEqual(kind.toObject(kind.fromObject(body), AS_JSON), body);
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      collector.resources.push(attributesOf(resource));
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        for (const [name, form] of Object.entries(ID)) if (name in span) assert.match(span[name], form, name);
        collector.spans.push({ ...span, attributes: attributesOf(span) });
      }
    }
    for (const { resource, scopeMetrics } of body.resourceMetrics ?? []) {
      collector.resources.push(attributesOf(resource));
      for (const { name, unit, histogram } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
        assert.deepEqual([name, unit, histogram.aggregationTemporality], ['http.server.request.duration', 's', 1]);
        for (const point of histogram.dataPoints) collector.points.push({ ...point, attributes: attributesOf(point) });
      }
    }
  };

  const server = await startUpstream(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString('utf8');
    collector.requests.push({ path: request.url, headers: request.headers, text });
    if (collector.answer) return collector.answer(request, response);
    try {
      take(request.url, text);
    } catch (error) {
      collector.failures.push(error);
    }
    response.setHeader('content-type', 'application/json').end('{}');
  });
  collector.endpoint = server.origin + prefix;
  return collector;
}

const attributesOf = ({ attributes }) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
