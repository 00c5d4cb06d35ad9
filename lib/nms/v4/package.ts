import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { HttpAuthError } from '../../errors.js'
import type { NmsContext } from './shapes.js'

const require = createRequire(import.meta.url)

/** A loaded copy of the package node-media-server. */
export interface NmsPackage {
  readonly context: NmsContext
  readonly version: string
  /** Loads one of its modules, named relative to its `src`. */
  readonly load: (module: string) => unknown
}

/**
 * Finds the copy of node-media-server that made an instance. NMS keeps its state in a module that
 * the instance does not lead to, and an app may have several copies of the package: the right one
 * is the entry of the CommonJS cache whose exports is the instance's class, or one it extends.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED if it is not a node-media-server
 */
export const findPackage = (nms: unknown): NmsPackage => {
  for (let type = constructorOf(nms); typeof type === 'function'; type = Object.getPrototypeOf(type) as unknown) {
    for (const module of Object.values(require.cache)) {
      if (module?.exports !== type) continue
      const load = createRequire(module.filename)
      try {
        const manifest = load(join(dirname(module.filename), '..', 'package.json')) as { name?: unknown, version?: unknown }
        if (manifest.name !== 'node-media-server' || typeof manifest.version !== 'string') continue
        return { context: load('./core/context.js') as NmsContext, version: manifest.version, load: (name) => load(`./${name}`) as unknown }
      } catch (cause) {
        throw new HttpAuthError('ERR_HOST_UNSUPPORTED',
          `the node-media-server in ${dirname(module.filename)} is not laid out as version 4.4 is: its src/core/context.js cannot be loaded`, { cause })
      }
    }
  }
  throw new HttpAuthError('ERR_HOST_UNSUPPORTED',
    'httpAuth() needs an instance of NodeMediaServer from the package node-media-server (require or import it unbundled)')
}

const constructorOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (value as { constructor?: unknown }).constructor : undefined
