import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { BackendRequest } from './request.js'

/** A step of one question to the backend at `url`. */
export type Progress = { readonly url: string } & (
  | { readonly is: 'asked', readonly request: BackendRequest }
  /** A connection is being established; listen to the socket for more. */
  | { readonly is: 'connecting', readonly socket: Socket }
  /** The first byte of an answer came. */
  | { readonly is: 'answering' }
  /** The final status line and headers came: names and values in turn. */
  | { readonly is: 'answered', readonly status: number, readonly headers: readonly Buffer[] }
  /** No usable answer; the reason is for the operator. */
  | { readonly is: 'failed', readonly reason: string })

const steps = channel('nms-http-auth:backend')

/** Tells the watcher; costs nothing without one. */
export const progress = {
  get watched(): boolean { return steps.hasSubscribers },
  tell: (step: Progress): void => steps.publish(step)
}

/**
 * Watches every question of this process.
 * @returns a function that ends the watching
 */
export const watchProgress = (listener: (step: Progress) => void): () => void => {
  const heard = (step: unknown): void => listener(step as Progress)
  steps.subscribe(heard)
  return () => { steps.unsubscribe(heard) }
}
