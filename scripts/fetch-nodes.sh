#!/usr/bin/env bash
# Fetches the newest Node.js 22, 24 and 26 from the npm registry for `npm run test:nodes`, each into a folder of its own
# below node_modules. What is there stays; `npm ci` makes room for newer ones.
# Exit status: 0 all are there, 1 one cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

package=$(node -p '`node-${process.platform}-${process.arch}`')
for major in 22 24 26; do
  dir=node_modules/.nodes/$major
  [ -x "$dir/node_modules/$package/bin/node" ] && continue
  echo "setup: fetching Node.js $major"
  mkdir -p "$dir"
  npm install --prefix "$dir" --silent --no-audit --no-fund --ignore-scripts --no-package-lock "$package@$major"
  "$dir/node_modules/$package/bin/node" --version >/dev/null
done
