import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The package node-media-server as it lies on the disk. */
export interface Installed {
  readonly version: string
  readonly dir: string
}

/** The one that is installed beside this package, or in the folder that it is called from; `undefined` if none is. */
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
