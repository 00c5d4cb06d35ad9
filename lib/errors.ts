/** What went wrong, for programs. */
export type ErrorCode =
  /** An option is missing, misspelled or out of range. */
  | 'ERR_OPTIONS'
  /** The object is not a node-media-server, or its version is not supported. */
  | 'ERR_HOST_UNSUPPORTED'
  /** The plugin is attached already. */
  | 'ERR_ALREADY_ATTACHED'
  /** The server was stopped; it would be unguarded if it ran again. */
  | 'ERR_STOPPED'
  /** The config has no `httpAuth` section. */
  | 'ERR_NO_SECTION'
  /** `store` is set, but its package ioredis is missing or of an unsupported version. */
  | 'ERR_STORE_PACKAGE'
  /** The backend gave no final status in time. */
  | 'ERR_BACKEND_UNAVAILABLE'

/** Base class of every error that this package throws. */
export class HttpAuthError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/**
 * The backend is down, and this is proven: no client caused it, nor did this process. The message is for the operator.
 * Only the step `policy/default-action` turns it into a verdict.
 */
export class BackendUnavailable extends HttpAuthError {
  /** The same without the backend's address. */
  readonly forClients: string
  /** Sessions with requests in flight when the backend fell silent, which may have caused that; nothing more is known of them. */
  readonly suspects: readonly string[]

  constructor(reason: string, { cause, forClients = 'the backend cannot be asked', suspects = [] }: { cause?: unknown, forClients?: string, suspects?: readonly string[] } = {}) {
    super('ERR_BACKEND_UNAVAILABLE', reason, cause === undefined ? undefined : { cause })
    this.forClients = forClients
    this.suspects = suspects
  }
}

/** A command was called with wrong arguments; the message says how to call it. */
export class Misuse extends Error {}
