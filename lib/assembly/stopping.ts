import type { Door } from '../gate/door/door.js'
import type { AttachedHost } from '../nms/host.js'
import type { ConsoleLog } from '../observe/console.js'
import { safely } from '../safely.js'
import type { Registry } from '../sessions/registry.js'

/** How the plugin stops. */
export interface Stopping {
  /**
   * Detaches the plugin; see `HttpAuth`.
   *
   * @param halt - stops NMS as well
   */
  close(reason: 'detached' | 'stopped', halt?: () => Promise<void>): Promise<void>
  /** Lets sessions run for `ms` milliseconds, then stops NMS; see `HttpAuth`. */
  drain(ms: number): Promise<void>
  /** Whether `close` or `drain` has begun. */
  readonly begun: boolean
  readonly closed: boolean
}

interface Stoppable {
  readonly door: Door & { drain(): void }
  readonly sessions: Registry
  readonly host: Pick<AttachedHost, 'stop' | 'uninstall'>
  readonly log: ConsoleLog
  /** Refuses held clients, and stops counters and timers. */
  readonly refuse: (reason: 'detached' | 'stopped') => void
  /** Called when NMS is detached; closes the rest. */
  readonly finish: () => Promise<void>
}

export const createStopping = ({ door, sessions, host, log, refuse, finish }: Stoppable): Stopping => {
  let closing: Promise<void> | undefined
  let draining: Promise<void> | undefined
  return {
    close: (reason, halt) => closing ??= (async () => {
      refuse(reason)
      // Held clients must get their verdict and its message before the door is removed.
      await new Promise((resolve) => setImmediate(resolve))
      if (halt === undefined) host.uninstall()
      else await halt()
      await finish()
    })(),
    drain: (ms) => draining ??= (async () => {
      door.drain()
      log.notice(`draining: new clients are refused; running sessions, which may go on for ${ms} ms: ${sessions.size}`)
      await whenEmpty(sessions, ms)
      // Their streams end with the server, which is unguarded from then on. Players first: where a stream takes them with it,
      // they would have left by themselves.
      const players = [...sessions].filter(({ request }) => request.action === 'play')
      for (const session of new Set([...players, ...sessions])) session.close('stopped')
      await host.stop()
    })(),
    get begun() { return closing !== undefined || draining !== undefined },
    get closed() { return closing !== undefined }
  }
}

/** Resolves when no session is left, or after `ms` milliseconds. */
const whenEmpty = (sessions: Registry, ms: number): Promise<void> => new Promise((resolve) => {
  const done = (): void => {
    clearTimeout(timer)
    off()
    resolve()
  }
  const timer = setTimeout(safely(undefined, done), ms)
  const off = sessions.watch({ end: () => { if (sessions.size === 0) done() } })
  if (sessions.size === 0) done()
})
