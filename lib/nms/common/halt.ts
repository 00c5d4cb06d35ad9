import { HttpAuthError } from '../../errors.js'
import type { HostListener } from '../host.js'

interface Server { run: () => unknown, stop: () => unknown }

/** What a stopped NMS keeps of the plugin; stored in NMS's state, so that another copy of this package finds it. */
const LEFT = Symbol.for('node-media-server-http-auth.left')
/** Marks a `run()` that attaches before it runs, and one that refuses to run. */
const ATTACHES = Symbol.for('node-media-server-http-auth.attaches')
const BARRED = Symbol.for('node-media-server-http-auth.barred')

const has = (object: object, key: symbol): boolean => Object.hasOwn(object, key)

/** Marks a class's `run()` as attaching the plugin before it runs. */
export const markAttaching = (run: () => unknown): void => { Object.defineProperty(run, ATTACHES, { value: true }) }

export interface Stopping extends Pick<HostListener, 'onStop'> {
  /** NMS's state. */
  readonly state: object
  /** Whether a stopped instance can run again at all. */
  readonly runsAgain: boolean
  /** Called when it is no longer attached. */
  readonly unmark: () => void
  /** Restores NMS. */
  readonly uninstall: () => void
}

/**
 * Hooks the plugin's end into NMS's `stop()`. The gates stay until NMS has stopped, and stay shut afterwards: clients
 * that are still connected are refused. NMS does not run again unguarded.
 *
 * @returns a function that restores `stop()`
 */
export const closeOnStop = (nms: Server, { state, runsAgain, onStop, unmark, uninstall }: Stopping): () => void => {
  const { stop } = nms
  let halted = false
  const halt = async (): Promise<void> => {
    halted = true
    bar(nms, runsAgain)
    await stop.call(nms)
    Object.defineProperty(state, LEFT, { value: uninstall, configurable: true })
    unmark()
  }
  nms.stop = async () => {
    await onStop(halt)
    // It was being closed already, and NMS has been restored.
    if (!halted) await stop.call(nms)
  }
  return () => { delete (nms as Partial<Server>).stop }
}

/** Removes what a stopped NMS keeps of the plugin, except its refusal to run. */
export const clearLeft = (state: object): void => {
  const { [LEFT]: uninstall } = state as { [LEFT]?: () => void }
  Reflect.deleteProperty(state, LEFT)
  uninstall?.()
}

const ANOTHER = 'make another, and call httpAuth() for that'

const stopped = (advice: string): HttpAuthError => new HttpAuthError('ERR_STOPPED', `this node-media-server was stopped, and nobody guards it any more: ${advice}`)

/**
 * For an NMS that stops only once.
 * @throws HttpAuthError ERR_STOPPED
 */
export const refuseStopped = (nms: Server): void => {
  if (Object.hasOwn(nms, 'run') && has(nms.run, BARRED)) throw stopped(ANOTHER)
}

const bar = (nms: Server, runsAgain: boolean): void => {
  const run = (): unknown => {
    const { run: ofClass } = Object.getPrototypeOf(nms) as Server
    if (!runsAgain || !has(ofClass, ATTACHES)) {
      throw stopped(runsAgain ? 'call httpAuth() again before run()' : ANOTHER)
    }
    unbar(nms)
    return ofClass.call(nms)
  }
  nms.run = Object.defineProperty(run, BARRED, { value: true })
}

/** Lets an NMS run again that is guarded again. */
export const unbar = (nms: Server): void => {
  if (has(nms.run, BARRED)) delete (nms as Partial<Server>).run
}
