import Module from 'node:module'
import { HttpAuthError } from './errors.js'
import type { HttpAuth } from './handle.js'
import { configOf, isAttached } from './nms/find.js'
import { markAttaching } from './nms/common/halt.js'
import { httpAuth } from './plugin.js'
import { howToWriteSection } from './options/section.js'

interface Loader { _load: (request: string, parent: unknown, isMain: boolean) => unknown }
interface ServerClass { readonly prototype: { run: () => Promise<void> } }

/**
 * Attaches to every node-media-server that runs from now on in this process. NMS's command line creates its own server
 * and offers no other way in, so this intercepts `run()`: `require` and `import` of a CommonJS package both use the
 * same loader.
 *
 * @param onAttached - called with each handle
 */
export const preload = (onAttached: (handle: HttpAuth) => void = () => undefined): void => {
  const loader = Module as unknown as Loader
  const load = loader._load
  const seen = new WeakSet<object>()
  loader._load = function (...args) {
    const loaded = load.apply(this, args)
    if (isServerClass(loaded) && !seen.has(loaded)) {
      seen.add(loaded)
      guardRun(loaded, onAttached)
    }
    return loaded
  }
}

const isServerClass = (value: unknown): value is ServerClass =>
  typeof value === 'function' && value.name === 'NodeMediaServer' &&
  typeof (value.prototype as { run?: unknown } | undefined)?.run === 'function'

const guardRun = ({ prototype }: ServerClass, onAttached: (handle: HttpAuth) => void): void => {
  const run = prototype.run
  prototype.run = function (this: object) {
    if (isAttached(this)) return run.call(this)
    attachOrExit(this, onAttached)
    // If `run()` itself creates the servers, attaching has put an own `run` in front of this one.
    return Object.hasOwn(this, 'run') ? (this as { run: () => Promise<void> }).run() : run.call(this)
  }
  markAttaching(prototype.run)
}

/** A server that its operator believes guarded must not start open. */
const attachOrExit = (nms: object, onAttached: (handle: HttpAuth) => void): void => {
  try {
    onAttached(httpAuth(nms))
  } catch (error) {
    if (!(error instanceof HttpAuthError)) throw error
    const hint = error.code === 'ERR_NO_SECTION' ? `\n${whereToPut(nms)}` : ''
    process.stderr.write(`nms-http-auth: node-media-server was not started: ${error.message}${hint}\n`)
    process.exit(1)
  }
}

const whereToPut = (nms: object): string => {
  const { config, configFile } = configOf(nms)
  return `In its config${configFile ? ` (${configFile})` : ''} ${howToWriteSection(Object.keys(config))}`
}
