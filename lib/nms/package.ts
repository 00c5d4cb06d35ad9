import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { HttpAuthError } from '../errors.js'

const require = createRequire(import.meta.url)

/** A loaded copy of the package node-media-server, whatever its version. */
export interface LoadedPackage {
  readonly version: string
  /** Its folder. */
  readonly dir: string
  /** Loads one of its modules, by its path below `src`. */
  readonly load: (module: string) => unknown
}

/**
 * Finds the copy of node-media-server that made an instance. NMS keeps its state in a module that the instance does not
 * reference, and an app may have several copies of the package: the right one is the entry of the CommonJS cache whose
 * exports is the instance's class or a superclass of it.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED if it is not a node-media-server
 */
export const findLoaded = (nms: unknown): LoadedPackage => {
  for (let type = constructorOf(nms); typeof type === 'function'; type = Object.getPrototypeOf(type) as unknown) {
    for (const module of Object.values(require.cache)) {
      if (module?.exports !== type) continue
      const load = createRequire(module.filename)
      const { name, version } = manifestOf(load, module.filename)
      if (name === 'node-media-server' && typeof version === 'string') return { version, dir: join(dirname(module.filename), '..'), load: (path) => load(`./${path}`) as unknown }
    }
  }
  throw new HttpAuthError('ERR_HOST_UNSUPPORTED',
    'httpAuth() needs an instance of NodeMediaServer from the package node-media-server (require or import it unbundled)')
}

const manifestOf = (load: NodeJS.Require, filename: string): { name?: unknown, version?: unknown } => {
  try {
    return load(join(dirname(filename), '..', 'package.json')) as { name?: unknown, version?: unknown }
  } catch {
    return {}
  }
}

const constructorOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (value as { constructor?: unknown }).constructor : undefined
