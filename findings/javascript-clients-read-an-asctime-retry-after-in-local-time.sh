#!/usr/bin/env bash
# javascript-clients-read-an-asctime-retry-after-in-local-time
#
# Expected: an HTTP date has three forms, and a receiver takes all three. The third, `Fri Jan  1 00:00:00 2027`, is
#   UTC like the others although it does not say so.
# Seen: ky, got and axios-retry read the third form in the zone of the machine. In New York (five hours behind) a wait
#   of 2 seconds becomes hours; in Tokyo they ask again at once. urllib3 waits 2 seconds everywhere.
# Versions: ky 1.14.3, got 14.6.6, axios 1.21.1 with axios-retry 4.5.0, urllib3 2.8.0
# Why it matters: Servers that format dates with C take this form. A gateway that passes `Retry-After` on, or writes
#   one, serves these clients best with the number of seconds.
# Source: RFC 9110 sections 5.6.7 and 10.2.3.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts ky@1.14.3 got@14.6.6 axios@1.21.1 axios-retry@4.5.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet urllib3==2.8.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import got from 'got';
import ky from 'ky';
const asctime = (t) => {
  const [, day, date, month, year, time] = t.toUTCString().match(/(\w+), (\d+) (\w+) (\d+) (\S+)/);
  return `${day} ${month} ${date.replace(/^0/, ' ')} ${time} ${year}`;
};
const forms = { 'IMF-fixdate': (t) => t.toUTCString(), 'asctime': asctime };
const seen = new Map();
const server = createServer((request, response) => {
  const times = seen.get(request.url) ?? seen.set(request.url, []).get(request.url);
  if (times.push(Date.now()) > 1) return response.end('{}');
  // The next full second, and two more: the wait is between two and three seconds.
  const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000);
  response.writeHead(503, { 'retry-after': forms[decodeURIComponent(request.url.split('/')[2])](until) }).end();
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;
const retrying = axios.create();
axiosRetry(retrying, { retries: 1 });
const clients = {
  'ky': (url) => ky(url, { retry: { limit: 1 }, timeout: false }).json(),
  'got': (url) => got(url, { retry: { limit: 1 } }).json(),
  'axios-retry': (url) => retrying.get(url),
};
const zone = process.env.TZ;
await Promise.all(Object.entries(clients).flatMap(([name, ask]) => Object.keys(forms).map(async (form) => {
  const path = `/${name}/${form}`;
  await Promise.race([ask(origin + path).catch(() => {}), new Promise((done) => setTimeout(done, 6000))]);
  const [first, second] = seen.get(path);
  seen.set(path, second === undefined ? 'still waiting after 6 s' : second - first < 1500 ? 'asked again at once' : 'waited 2 to 3 s');
})));
for (const name of Object.keys(clients)) for (const form of Object.keys(forms)) console.log(`${zone}: ${form}: ${name}: ${seen.get(`/${name}/${form}`)}`);
process.exit(0);
PROBE
cat >probe.py <<'PROBE'
import os, time
from urllib3.util import Retry
for form in ("%a, %d %b %Y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"):
    wait = Retry().parse_retry_after(time.strftime(form, time.gmtime(time.time() + 3)))
    print(f"{os.environ['TZ']}: {'IMF-fixdate' if 'GMT' in form else 'asctime'}: urllib3: {'waited 2 to 3 s' if 1.5 < wait < 3.5 else wait}")
PROBE
cat >expected.txt <<'EXPECTED'
America/New_York: IMF-fixdate: ky: waited 2 to 3 s
America/New_York: asctime: ky: still waiting after 6 s
America/New_York: IMF-fixdate: got: waited 2 to 3 s
America/New_York: asctime: got: still waiting after 6 s
America/New_York: IMF-fixdate: axios-retry: waited 2 to 3 s
America/New_York: asctime: axios-retry: still waiting after 6 s
America/New_York: IMF-fixdate: urllib3: waited 2 to 3 s
America/New_York: asctime: urllib3: waited 2 to 3 s
Asia/Tokyo: IMF-fixdate: ky: waited 2 to 3 s
Asia/Tokyo: asctime: ky: asked again at once
Asia/Tokyo: IMF-fixdate: got: waited 2 to 3 s
Asia/Tokyo: asctime: got: asked again at once
Asia/Tokyo: IMF-fixdate: axios-retry: waited 2 to 3 s
Asia/Tokyo: asctime: axios-retry: asked again at once
Asia/Tokyo: IMF-fixdate: urllib3: waited 2 to 3 s
Asia/Tokyo: asctime: urllib3: waited 2 to 3 s
EXPECTED

for TZ in America/New_York Asia/Tokyo; do export TZ; node probe.mjs && venv/bin/python -W ignore probe.py; done >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
