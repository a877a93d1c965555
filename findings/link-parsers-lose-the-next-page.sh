#!/usr/bin/env bash
# link-parsers-lose-the-next-page
#
# Expected: five clients read the same `Link` field, written as RFC 8288 allows, and find the same next page.
# Seen: requests and httpx cut the address at a semicolon, so that `/items;page=2` becomes `/items`, take `rel="next
#   last"` for one relation of that name, and stop reading at a title with `=`. parse-link-header and li do not know
#   `REL` or spaces around `=`, and li drops a link that has `title*`. Only http-link-header finds all.
# Versions: requests 2.34.2, httpx 0.28.1, parse-link-header 2.0.0, li 1.3.0, http-link-header 1.1.4
# Why it matters: A client that follows `next` until there is none takes the first page for everything, or gets it
#   again and again, without an error. A gateway that rewrites addresses in Link should write one relation a link,
#   `rel="next"` right behind the address, and escape semicolons (%3B).
# Source: RFC 8288 sections 3 and 3.3.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts parse-link-header@2.0.0 li@1.3.0 http-link-header@1.1.4 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet requests==2.34.2 httpx==0.28.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { writeFileSync } from 'node:fs';
import LinkHeader from 'http-link-header';
import li from 'li';
import parseLinkHeader from 'parse-link-header';
const fields = [
  '</items?page=2>; rel="next"',
  '</items;page=2>; rel="next"',
  '</items?page=2>; rel="next last"',
  '</items?page=2>; title="a=b"; rel="next"',
  "</items?page=2>; title*=UTF-8''caf%C3%A9; rel=\"next\"",
  '</items?page=2>; rel = "next"',
  '</items?page=2>; REL="next"',
];
writeFileSync('fields.json', JSON.stringify(fields));
const readers = {
  'http-link-header': (field) => LinkHeader.parse(field).rel('next')[0]?.uri,
  'parse-link-header': (field) => parseLinkHeader(field)?.next?.url,
  'li': (field) => li.parse(field).next,
};
for (const field of fields) for (const [name, read] of Object.entries(readers)) console.log(`${field} | ${name}: ${read(field) ?? 'no next page'}`);
PROBE
cat >probe.py <<'PROBE'
import json, httpx, requests
def with_requests(field):
    response = requests.Response()
    response.headers["Link"] = field
    return response.links
readers = {"requests": with_requests, "httpx": lambda field: httpx.Response(200, headers={"Link": field}).links}
for field in json.load(open("fields.json")):
    for name, read in readers.items():
        print(f"{field} | {name}: {read(field).get('next', {}).get('url', 'no next page')}")
PROBE
cat >expected.txt <<'EXPECTED'
</items?page=2>; rel="next" | http-link-header: /items?page=2
</items?page=2>; rel="next" | parse-link-header: /items?page=2
</items?page=2>; rel="next" | li: /items?page=2
</items;page=2>; rel="next" | http-link-header: /items;page=2
</items;page=2>; rel="next" | parse-link-header: /items;page=2
</items;page=2>; rel="next" | li: /items;page=2
</items?page=2>; rel="next last" | http-link-header: /items?page=2
</items?page=2>; rel="next last" | parse-link-header: /items?page=2
</items?page=2>; rel="next last" | li: /items?page=2
</items?page=2>; title="a=b"; rel="next" | http-link-header: /items?page=2
</items?page=2>; title="a=b"; rel="next" | parse-link-header: /items?page=2
</items?page=2>; title="a=b"; rel="next" | li: /items?page=2
</items?page=2>; title*=UTF-8''caf%C3%A9; rel="next" | http-link-header: /items?page=2
</items?page=2>; title*=UTF-8''caf%C3%A9; rel="next" | parse-link-header: /items?page=2
</items?page=2>; title*=UTF-8''caf%C3%A9; rel="next" | li: no next page
</items?page=2>; rel = "next" | http-link-header: /items?page=2
</items?page=2>; rel = "next" | parse-link-header: no next page
</items?page=2>; rel = "next" | li: no next page
</items?page=2>; REL="next" | http-link-header: /items?page=2
</items?page=2>; REL="next" | parse-link-header: no next page
</items?page=2>; REL="next" | li: no next page
</items?page=2>; rel="next" | requests: /items?page=2
</items?page=2>; rel="next" | httpx: /items?page=2
</items;page=2>; rel="next" | requests: /items
</items;page=2>; rel="next" | httpx: /items
</items?page=2>; rel="next last" | requests: no next page
</items?page=2>; rel="next last" | httpx: no next page
</items?page=2>; title="a=b"; rel="next" | requests: no next page
</items?page=2>; title="a=b"; rel="next" | httpx: no next page
</items?page=2>; title*=UTF-8''caf%C3%A9; rel="next" | requests: /items?page=2
</items?page=2>; title*=UTF-8''caf%C3%A9; rel="next" | httpx: /items?page=2
</items?page=2>; rel = "next" | requests: /items?page=2
</items?page=2>; rel = "next" | httpx: /items?page=2
</items?page=2>; REL="next" | requests: no next page
</items?page=2>; REL="next" | httpx: no next page
EXPECTED

{ node probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
