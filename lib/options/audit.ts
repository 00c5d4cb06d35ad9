import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve as resolvePath } from 'node:path'
import type { AuditSettings } from '../access/settings.js'

/** Writes every verdict and every end of a session to a file, one JSON object per line. */
export interface AuditOptions {
  /** The file, relative to the config file or else to the working directory. Created if it does not exist. Required. */
  file: string
  /** How query values are written: `hash` writes a keyed hash, `mask` hides them. Default `hash`. */
  tokens?: 'hash' | 'mask'
  /** Key for the hashes, 16 characters or more: with it the same token has the same hash after a restart. Default: a random one per process. */
  secret?: string
}

export const AUDIT_DEFAULTS = { tokens: 'hash' } as const

export const AUDIT_SCHEMA = {
  type: 'object', additionalProperties: false, required: ['file'],
  properties: {
    file: { type: 'string', minLength: 1, description: 'The file; created if it does not exist.' },
    tokens: { enum: ['hash', 'mask'], default: AUDIT_DEFAULTS.tokens, description: 'How query values are written: as a keyed hash, or hidden.' },
    secret: { type: 'string', minLength: 16, description: 'Key for the hashes; without it each process uses a random one.' }
  },
  description: 'Writes every verdict and every end of a session as a line of JSON. Off unless it is set.'
} as const

/** Why a file cannot be written or created; `undefined` if it can. */
const unwritable = (file: string): string | undefined => {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return 'EISDIR'
  // Opening one blocks until somebody reads it.
  if (found?.isFIFO() === true || found?.isSocket() === true) return 'it is a pipe or a socket'
  accessSync(found === undefined ? dirname(file) : file, constants.W_OK)
  return undefined
}

/** Completes the section, and reports a file that cannot be written. */
export const auditOf = (options: AuditOptions, baseDir: string, report: (path: string, problem: string) => unknown): AuditSettings => {
  const file = resolvePath(baseDir, options.file)
  let problem: string | undefined
  try {
    problem = unwritable(file)
  } catch (error) {
    problem = (error as NodeJS.ErrnoException).code ?? 'unknown error'
  }
  if (problem !== undefined) report('httpAuth.audit.file', `must be a writable file, but ${file} is not (${problem})`)
  return { ...AUDIT_DEFAULTS, ...options, file }
}
