// With the length of a body that is passed on, in both directions: CPU time for each MiB, and how far the memory of workerd rises.

import { get, request as post } from 'node:http';
import { benchConfig, configured } from '../gateway.mjs';
import { median } from '../statistics.mjs';
import { peerWorkers, startTestbed } from '../testbed.mjs';
import { cpuMicroseconds, forgetPeak, memoryMib, peakMemoryMib } from '../usage.mjs';
import { rounded } from './line.mjs';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = [KIB, 32 * KIB, MIB, 32 * MIB, 1024 * MIB];
/** How much goes through in a round, as far as a few hundred requests are enough for that. */
const ROUND_BYTES = 64 * MIB;
const REQUESTS_MOST = 500;
const PIECE = Buffer.alloc(64 * KIB, 'x');

export async function measureBodies({ rounds, most }) {
  const testbed = await startTestbed(async (place) => [
    ...(await peerWorkers(place.folder, ['pass-through', 'kv'], place)),
    configured('bargate', benchConfig(place)),
  ]);
  const sizes = SIZES.filter((size) => size <= most);
  const ways = { 'to the client': download, 'to the upstream': upload };
  const gateways = { bare: testbed.origins['pass-through'], Bargate: testbed.origins.bargate };
  const results = {};
  try {
    for (let round = 0; round <= rounds; round += 1) {
      for (const bytes of sizes) {
        for (const [way, send] of Object.entries(ways)) {
          for (const [gateway, origin] of Object.entries(gateways)) {
            const measured = await measureBody(testbed.pid, () => send(origin, bytes), bytes);
            // The first round warms up.
            if (round > 0) (results[`${gateway}, ${way}, ${bytes}`] ??= []).push(measured);
          }
        }
      }
      process.stderr.write('.');
    }
    process.stderr.write('\n');
  } finally {
    await testbed.close();
  }

  /** @param {(bytes: number) => number[]} of */
  const points = (of, places = sizes) => places.map((bytes) => [bytes / KIB, rounded(median(of(bytes)))]);
  const each = (part, places) =>
    Object.keys(ways).flatMap((way) =>
      Object.keys(gateways).map((gateway) => ({
        title: `${gateway}, ${way}`,
        points: points((bytes) => results[`${gateway}, ${way}, ${bytes}`].map((one) => one[part]), places),
      })),
    );
  const ratios = Object.keys(ways).map((way) => ({
    title: `Bargate, ${way}`,
    points: points((bytes) =>
      results[`Bargate, ${way}, ${bytes}`].map(({ us }, round) => us / results[`bare, ${way}, ${bytes}`][round].us),
    ),
  }));
  return [
    { title: 'CPU time of a request, bare = 1, by KiB of body', unit: 'ratio', lines: ratios },
    {
      title: 'CPU time of a MiB of body, by KiB of it',
      unit: 'us',
      lines: each(
        'us',
        sizes.filter((bytes) => bytes >= MIB),
      ),
    },
    { title: 'Peak of memory above idle, by KiB of body', unit: 'MiB', lines: each('mib') },
  ];
}

async function measureBody(pid, send, bytes) {
  const count = Math.min(REQUESTS_MOST, Math.max(1, Math.round(ROUND_BYTES / bytes)));
  forgetPeak(pid);
  const [idle, before] = [memoryMib(pid), cpuMicroseconds(pid)];
  for (let left = count; left > 0; left -= 1) await send();
  const us = (cpuMicroseconds(pid) - before) / ((count * bytes) / MIB);
  return { us, mib: peakMemoryMib(pid) - idle };
}

/** Takes an answer of that many bytes. */
function download(origin, bytes) {
  return new Promise((resolve, reject) => {
    get(`${origin}/proxied/open/bytes?count=${bytes}`, (answer) => {
      let left = bytes;
      answer.on('data', (chunk) => (left -= chunk.length));
      answer.once('error', reject).once('end', () => {
        if (answer.statusCode === 200 && left === 0) resolve(undefined);
        else reject(new Error(`${origin} answered ${answer.statusCode}, ${left} bytes short`));
      });
    }).once('error', reject);
  });
}

/** Sends a body of that many bytes. */
function upload(origin, bytes) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': bytes };
    const request = post(`${origin}/proxied/open`, { method: 'POST', headers }, (answer) => {
      answer
        .resume()
        .once('error', reject)
        .once('end', () => {
          if (answer.statusCode === 200) resolve(undefined);
          else reject(new Error(`${origin} answered ${answer.statusCode}`));
        });
    });
    request.once('error', reject);
    let left = bytes;
    const send = () => {
      while (left > 0) {
        const piece = PIECE.subarray(0, left);
        left -= piece.length;
        if (!request.write(piece)) return request.once('drain', send);
      }
      return request.end();
    };
    send();
  });
}
