import type { HttpAuth, HttpAuthEvents } from '../handle.js'
import type { ConsoleLog } from '../observe/console.js'
import type { Hub } from '../observe/hub.js'
import type { Registry } from '../sessions/registry.js'

/** Reports what happens to the handle's listeners. Errors they throw are logged and change no verdict. */
export const tellListeners = (handle: HttpAuth, hub: Hub, sessions: Registry, log: ConsoleLog): void => {
  const tell = <K extends keyof HttpAuthEvents>(event: K, ...args: HttpAuthEvents[K]): void =>
    publish(handle, (name, error) => log.error(`a listener of "${name}" failed`, error), event, ...args)
  hub.add({
    verdict: ({ request, verdict }) => tell('verdict', request, verdict),
    outage: (change) => tell('unavailable', change)
  })
  sessions.watch({
    begin: (session) => { if (handle.listenerCount('session') > 0) tell('session', 'start', session.record()) },
    end: (session) => { if (handle.listenerCount('session') > 0) tell('session', 'end', session.record()) }
  })
}

/** Calls the listeners one by one, so that a failing one does not affect the others. */
export const publish = <K extends keyof HttpAuthEvents>(
  handle: HttpAuth, onError: (event: K, error: unknown) => void, event: K, ...args: HttpAuthEvents[K]
): void => {
  for (const listener of handle.rawListeners(event) as ((...given: HttpAuthEvents[K]) => unknown)[]) {
    try {
      const result = listener.apply(handle, args)
      if (result instanceof Promise) result.catch((error: unknown) => onError(event, error))
    } catch (error) {
      onError(event, error)
    }
  }
}
