import { closeSync, openSync } from 'node:fs'
import { deny, type Verdict } from '../access/verdict.js'
import { BackendUnavailable } from '../errors.js'
import { maskSecrets } from '../mask.js'

/** What this process or its machine lacked: descriptors, memory, ports. Says nothing about the backend. */
const OWN_LACK = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EADDRINUSE', 'EAGAIN', 'ENOSR', 'EAI_MEMORY', 'ERR_WORKER_OUT_OF_MEMORY'])
const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET'])
/** The way to the backend was not there. */
const UNREACHABLE = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ETIMEDOUT', 'EACCES', 'EPERM'])
/** undici refused what it was given: a bug of this package. */
const MISUSE = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'ERR_ASSERTION', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_SOCKET_BAD_PORT'])

interface Failure extends Error {
  readonly code?: unknown
  /** One for each address of a name that was tried. */
  readonly errors?: readonly Failure[]
}

const codeOf = ({ code }: Failure): string => typeof code === 'string' ? code : ''

const lacks = (error: Failure): boolean => OWN_LACK.has(codeOf(error)) || (error.errors?.some(lacks) ?? false)

const isNameFailure = (code: string): boolean => code === 'ENOTFOUND' || code.startsWith('EAI_')

/** Looking a name up takes a descriptor, and its failure does not say so. */
const outOfDescriptors = (): boolean => {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return false
  } catch (error) {
    return lacks(error as Failure)
  }
}

/** The connection ended, for no reason that could be seen. */
export const isClosed = (error: Error): boolean => CLOSED.has(codeOf(error))

/** For the operator: what failed, and where. */
const describe = (error: Failure, at: string): string => {
  const code = codeOf(error)
  if (code === 'ECONNREFUSED') return `connection refused by ${at}`
  if (CLOSED.has(code)) return `connection closed by ${at} before an answer${error.message.startsWith('bad ') ? ' (unexpected 1xx status)' : ''}`
  if (UNREACHABLE.has(code)) return `${at} cannot be reached (${code})`
  if (isNameFailure(code)) return `the name of ${at} was not found (${code})`
  if (code.startsWith('HPE_') || error.name === 'HTTPParserError') return `the answer of ${at} is not HTTP`
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return `the answer of ${at} is not HTTP (wrong length)`
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return `the headers of the answer of ${at} are too large`
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection to ${at} in time`
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME/.test(code)) {
    return `no TLS with ${at}: ${/^[A-Z\d_]*$/.test(code) ? code : ''}`
  }
  return `the request to ${at} failed: ${code || error.message}`
}

/**
 * What the failure of a request means: our own lack denies, a bug stays an unknown error, and
 * everything else is an outage.
 * @param at the backend's host and port
 */
export const judge = (error: Error, at: string): Verdict | Error => {
  const code = codeOf(error)
  if (lacks(error) || (isNameFailure(code) && outOfDescriptors())) return deny('overload', 'this server is overloaded')
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return deny('overload', 'authorization is being shut down')
  if (MISUSE.has(code) || (code === '' && error instanceof TypeError)) return error
  return new BackendUnavailable(maskSecrets(describe(error, at)), { cause: error })
}
