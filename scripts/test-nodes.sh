#!/usr/bin/env bash
# Runs on the newest Node.js 22, 24 and 26 what another Node may break: all unit tests, those of the packed package, one
# integration file for each protocol, and the preload. Arguments: majors to run instead of these, such as `24`.
# Exit status: 0 only if every test passed on each.
set -uo pipefail
cd "$(dirname "$0")/.."

TESTS=(
  'test/unit/**/*.test.ts'
  'test/package/**/*.test.ts'
  test/integration/table.test.ts # RTMP, HTTP-FLV and WebSocket-FLV, with and without TLS
  test/integration/hls.test.ts
  test/integration/command-register.test.ts
)

package=$(node -p '`node-${process.platform}-${process.arch}`')
[ $# -gt 0 ] || set -- 22 24 26
status=0
for major in "$@"; do
  bin=$PWD/node_modules/.nodes/$major/node_modules/$package/bin
  if [ ! -x "$bin/node" ]; then
    echo "test:nodes: Node.js $major is not here; run: npm run setup" >&2
    status=1
    continue
  fi
  echo "== Node.js $("$bin/node" --version)"
  PATH="$bin:$PATH" node node_modules/mocha/bin/mocha.js --parallel --jobs 2 "${TESTS[@]}" || status=1
done
exit "$status"
