import { errorText } from './mask.js'

/**
 * Whose connection ends when one of its callbacks throws: a socket, a stream, or a function that ends it and gets the
 * callback's arguments.
 */
export type Owner = { destroy(): unknown } | ((error: unknown, ...args: never[]) => void)

/** Called with every exception that `safely` catches. */
export type OnCaught = (error: unknown) => void

const listeners = new Set<OnCaught>()

/**
 * Calls a listener for every exception caught from now on.
 * @returns a function that removes the listener
 */
export const onCaught = (listener: OnCaught): () => void => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/**
 * Wraps a callback for a stream, socket, server, timer or emitter. Node ends the process when one of these throws;
 * wrapped, it only ends the client it belongs to. The linter accepts no other callback there (`safely/callbacks` in
 * scripts/callbacks.js).
 *
 * @param owner - whose connection ends; `undefined` if no client is being served, as in a timer for a log line
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

/** For code that cannot be wrapped because it returns something or runs inline: reports the exception and ends the owner. */
export const caught = (error: unknown, owner?: Owner, ...args: unknown[]): void => {
  if (listeners.size === 0) process.emitWarning(`node-media-server-http-auth: ${errorText(error)}`)
  for (const listener of listeners) attempt(() => listener(error))
  if (owner !== undefined) attempt(() => { if (typeof owner === 'function') owner(error, ...args as never[]); else owner.destroy() })
}

/** A failure of one must not prevent the other. */
const attempt = (step: () => void): void => {
  try { step() } catch { /* it was the last resort */ }
}
