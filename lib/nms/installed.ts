import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The installed package node-media-server. */
export interface Installed {
  readonly version: string
  readonly dir: string
}

/** The package installed beside this one, or in the current folder; `undefined` if there is none. */
export const findInstalled = (): Installed | undefined => {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      const require = createRequire(from)
      const manifest = require.resolve('node-media-server/package.json')
      return { version: (require(manifest) as { version: string }).version, dir: dirname(manifest) }
    } catch { /* the next place may have it */ }
  }
  return undefined
}
