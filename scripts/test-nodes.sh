#!/usr/bin/env bash
# Runs on the newest Node.js 22, 24 and 26 what another Node may break: all unit tests, the packed package on each host, one
# integration file for each protocol with node-media-server 4 and with 2.7, and the preload. Arguments: majors to run
# instead of these, such as `24`.
# Exit status: 0 only if every test passed on each.
set -uo pipefail
cd "$(dirname "$0")/.."

PROTOCOLS=(
  test/integration/table.test.ts # RTMP, HTTP-FLV and WebSocket-FLV, with and without TLS
  test/integration/hls.test.ts
)
TESTS=(
  'test/unit/**/*.test.ts'
  test/package/hosts.test.ts
  "${PROTOCOLS[@]}"
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
  mocha() { PATH="$bin:$PATH" node node_modules/mocha/bin/mocha.js --parallel --jobs 2 "$@" || status=1; }
  mocha "${TESTS[@]}"
  NMS_HOST=2.7 mocha "${PROTOCOLS[@]}"
done
exit "$status"
