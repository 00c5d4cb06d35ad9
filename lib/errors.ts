/** What went wrong, for programs. */
export type ErrorCode =
  /** An option is missing, misspelled or out of range. */
  | 'ERR_OPTIONS'
  /** What was given is not a node-media-server, or one that this version does not know. */
  | 'ERR_HOST_UNSUPPORTED'
  /** The plugin is attached already. */
  | 'ERR_ALREADY_ATTACHED'
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
 * The backend is down, and that is proven: no client's doing, and not this process's own. The message is
 * for the operator. Only the step `policy/default-action` turns it into a verdict.
 */
export class BackendUnavailable extends HttpAuthError {
  /** The same without the backend's address. */
  readonly forClients: string
  /** Sessions whose questions were out when the backend fell silent, if it did: who may know more, and no more than that. */
  readonly suspects: readonly string[]

  constructor(reason: string, { cause, forClients = 'the backend cannot be asked', suspects = [] }: { cause?: unknown, forClients?: string, suspects?: readonly string[] } = {}) {
    super('ERR_BACKEND_UNAVAILABLE', reason, cause === undefined ? undefined : { cause })
    this.forClients = forClients
    this.suspects = suspects
  }
}

/** A command was called in a way that makes no sense; the message says how to call it. */
export class Misuse extends Error {}
