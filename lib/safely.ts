import { errorText } from './mask.js'

/** Whose connection ends when a callback of theirs throws: a socket, a stream, or a function that ends it, given what the callback was given. */
export type Owner = { destroy(): unknown } | ((error: unknown, ...args: never[]) => void)

/** Hears of every exception that `safely` has caught. */
export type OnCaught = (error: unknown) => void

const listeners = new Set<OnCaught>()

/**
 * Tells a listener of every exception caught from now on.
 * @returns a function that takes the listener off
 */
export const onCaught = (listener: OnCaught): () => void => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/**
 * A callback to give to a stream, socket, server, timer or emitter. Node ends the process when one of
 * these throws; wrapped, it ends the one client that it belongs to. The linter accepts no other callback
 * there (`safely/callbacks` in scripts/callbacks.js).
 *
 * @param owner - who is ended; `undefined` where nobody in particular is served, as in a timer for a log line
 */
export const safely = <This, A extends unknown[]>(
  owner: Owner | undefined, callback: (this: This, ...args: A) => void
): (this: This, ...args: A) => void =>
  function (...args) {
    try {
      callback.apply(this, args)
    } catch (error) {
      caught(error, owner, ...args)
    }
  }

/** For code that cannot be wrapped because it must return something or runs inline: reports the exception and ends its owner. */
export const caught = (error: unknown, owner?: Owner, ...args: unknown[]): void => {
  if (listeners.size === 0) process.emitWarning(`node-media-server-http-auth: ${errorText(error)}`)
  for (const listener of listeners) attempt(() => listener(error))
  if (owner !== undefined) attempt(() => { if (typeof owner === 'function') owner(error, ...args as never[]); else owner.destroy() })
}

/** Reporting and ending must not fail for each other. */
const attempt = (step: () => void): void => {
  try { step() } catch { /* it was the last resort */ }
}
