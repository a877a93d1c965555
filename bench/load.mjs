// Requests, many at a time, from one thread of wrk or, where there is none, of autocannon. Every answer must be 200 with the expected
// body, so that nobody measures an error page.

import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { Failure, ROOT, outputOf } from '../scripts/toolchain.mjs';

const CONNECTIONS = 16;

/** What an API's client sends with each request, beside its `Host`. */
export const CLIENT_HEADERS = {
  'user-agent': 'bench/1.0',
  accept: 'application/json',
  'accept-language': 'en',
  'cf-connecting-ip': '192.0.2.1',
};

/** A load that takes longer is stuck. */
const PATIENCE_SECS = 300;

/**
 * @typedef {object} Load
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {string} [body] expected of every answer, unless it is left out
 * @property {number} [requests] after how many to end, or else
 * @property {number} [seconds] after how long
 * @property {number} [connections]
 * @property {{ name: string, values: string[] }} [changing] a header that has another value in each request
 */

/** How many values a load takes at most, for those that it sends and nobody waits for. */
export const valuesFor = (requests, connections = CONNECTIONS) => requests + connections + 1;

/** What makes the requests. */
export const LOAD_TOOL = outputOf('sh', ['-c', 'command -v wrk']) ? 'wrk' : 'autocannon';

/**
 * Makes the requests, and returns how many were answered. With `seconds`, also the median and the 99th percentile of how long an
 * answer took, in microseconds.
 *
 * @param {Load} load
 */
export async function run(load) {
  const how = { connections: CONNECTIONS, ...load };
  const { answered, wrong, sample, p50, p99 } = await (LOAD_TOOL === 'wrk' ? runWrk(how) : runAutocannon(how));
  if (wrong || !answered)
    throw new Failure(`${load.url}: ${wrong} of ${answered} answers were not as expected: ${sample}`);
  return { answered, p50, p99 };
}

/** @param {Load} load */
async function runWrk({ url, headers, body, requests, seconds, connections, changing }) {
  const file = changing && join(tmpdir(), `bargate-load-${process.pid}.txt`);
  if (file) writeFileSync(file, `${changing.values.join('\n')}\n`);
  const env = {
    ...process.env,
    ...(body === undefined ? {} : { LOAD_BODY: body }),
    ...(requests ? { LOAD_REQUESTS: String(requests) } : {}),
    ...(file ? { LOAD_HEADER: changing.name, LOAD_VALUES: file } : {}),
  };
  const args = [
    ...['-t1', `-c${connections}`, `-d${seconds ?? PATIENCE_SECS}s`, '--timeout', '60s'],
    ...['-s', join(ROOT, 'bench', 'load.lua')],
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    url,
  ];
  const child = spawn('wrk', args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  await new Promise((resolve) => child.once('close', resolve));
  if (file) rmSync(file);
  const report = /^LOAD (\d+) (\d+) (\d+) (\d+) (.*)$/ms.exec(output);
  if (!report) throw new Failure(`wrk ended without a report: ${output}`);
  const [answered, wrong, p50, p99] = report.slice(1, 5).map(Number);
  return { answered, wrong, sample: report[5], p50, p99 };
}

/** @param {Load} load */
async function runAutocannon({ url, headers, body, requests, seconds, connections, changing }) {
  let [sample, next] = ['', 0];
  const setupRequest = (request) => ({ ...request, headers: { ...headers, [changing.name]: changing.values[next++] } });
  const verifyBody = (text) => {
    if (body === undefined || text === body) return true;
    sample = text.slice(0, 200);
    return false;
  };
  const { statusCodeStats, mismatches, errors, latency } = await autocannon({
    url,
    headers,
    connections,
    verifyBody,
    ...(requests ? { amount: requests } : { duration: seconds }),
    ...(changing ? { requests: [{ setupRequest }] } : {}),
  });
  const counts = Object.entries(statusCodeStats).map(([code, { count }]) => [Number(code), count]);
  const answered = counts.reduce((sum, [, count]) => sum + count, 0);
  const others = counts.filter(([code]) => code !== 200).reduce((sum, [, count]) => sum + count, 0);
  const wrong = Math.max(mismatches, others) + errors;
  return { answered, wrong, sample, p50: latency.p50 * 1000, p99: latency.p99 * 1000 };
}
