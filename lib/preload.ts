import Module from 'node:module'
import { HttpAuthError } from './errors.js'
import type { HttpAuth } from './handle.js'
import { configOf, isAttached } from './nms/find.js'
import { httpAuth } from './plugin.js'
import { howToWriteSection } from './section.js'

interface Loader { _load: (request: string, parent: unknown, isMain: boolean) => unknown }
interface ServerClass { readonly prototype: { run: () => Promise<void> } }

/**
 * Attaches to every node-media-server that is run from now on in this process. NMS's command line
 * builds its own server and leads nowhere else in, so `run()` is where it is caught: `require` and
 * `import` of a CommonJS package both go through the same loader.
 *
 * @param onAttached - gets the handle of each
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
    // A host whose servers are built by `run()` has put one of its own before this one.
    return Object.hasOwn(this, 'run') ? (this as { run: () => Promise<void> }).run() : run.call(this)
  }
}

/** A server that its operator believes to be guarded must not start open. */
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
