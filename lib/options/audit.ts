import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve as resolvePath } from 'node:path'
import type { AuditSettings } from '../access/settings.js'

/** Every verdict and every end of a session, one JSON object a line. Absent: no file. */
export interface AuditOptions {
  /** Where the lines go; relative to the config file, else to the working directory. Created if it is missing. Required. */
  file: string
  /** What is written of the values of a query: a keyed `hash`, or `mask`, nothing at all. Default `hash`. */
  tokens?: 'hash' | 'mask'
  /** Key of the hashes, 16 characters or more: with it the same token has the same hash after a restart. Default: a random one for each process. */
  secret?: string
}

export const AUDIT_DEFAULTS = { tokens: 'hash' } as const

export const AUDIT_SCHEMA = {
  type: 'object', additionalProperties: false, required: ['file'],
  properties: {
    file: { type: 'string', minLength: 1, description: 'Where the lines go; created if it is missing.' },
    tokens: { enum: ['hash', 'mask'], default: AUDIT_DEFAULTS.tokens, description: 'What is written of the values of a query.' },
    secret: { type: 'string', minLength: 16, description: 'Key of the hashes; without it each process has a random one.' }
  },
  description: 'Every verdict and every end of a session as a line of JSON. Off unless it is given.'
} as const

/** Why a file could not be written, `undefined` if it can, or can be made. */
const unwritable = (file: string): string | undefined => {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return 'EISDIR'
  // Opening one waits for somebody who reads.
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
  if (problem !== undefined) report('httpAuth.audit.file', `must be a file that can be written, and ${file} is not (${problem})`)
  return { ...AUDIT_DEFAULTS, ...options, file }
}
