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
 * The backend gave no final HTTP status in time, for a reason that is neither the client's nor
 * this process's own. Only the step `policy/default-action` turns it into a verdict.
 */
export class BackendUnavailable extends HttpAuthError {
  constructor(reason: string, options?: { cause?: unknown }) {
    super('ERR_BACKEND_UNAVAILABLE', reason, options)
  }
}

/** A command was called in a way that makes no sense; the message says how to call it. */
export class Misuse extends Error {}
