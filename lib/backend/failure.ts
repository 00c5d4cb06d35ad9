import { BackendUnavailable } from '../errors.js'
import { maskSecrets } from '../mask.js'
import { isCertificateCode, leastOf, worthOf, type Met } from './proof.js'

/** What a question met instead of an answer. */
export interface Failure {
  readonly met: Met
  /** Describes it; `at` is the backend's host and port for the operator, "the backend" for clients. */
  readonly text: (at: string) => string
  /** What the operator can do about it. */
  readonly hint?: string
  readonly cause?: Error
}

interface NetworkError extends Error {
  readonly code?: unknown
  /** One error per address that was tried. */
  readonly errors?: readonly NetworkError[]
}

const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET'])
/** undici rejected our arguments: a bug in this package. */
const MISUSE = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'ERR_ASSERTION', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_SOCKET_BAD_PORT'])
const SHUT_DOWN = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED'])
/** The other side does not speak TLS. */
const NO_TLS = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST', 'ERR_SSL_UNEXPECTED_MESSAGE'])
/** No known authority signed the certificate. */
const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
])

const codeOf = ({ code }: NetworkError): string => typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : ''

/** The connection ended without a visible reason. */
export const isClosed = (error: Error): boolean => CLOSED.has(codeOf(error))

const isGarbage = (code: string, { name }: NetworkError): boolean =>
  code.startsWith('HPE_') || name === 'HTTPParserError' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'

const metBy = (error: NetworkError, written: boolean): Met => {
  if (error.errors !== undefined && error.errors.length > 0) return leastOf(error.errors.map((each) => metBy(each, written)))
  return isGarbage(codeOf(error), error) ? 'doubt' : worthOf(codeOf(error), written)
}

const tlsHint = (code: string): string | undefined => {
  if (UNKNOWN_AUTHORITY.has(code)) return 'nobody known to Node.js has signed its certificate; name its authority in tls.ca'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') return 'its certificate is for another name; write a name of the certificate into url'
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired'
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet; is this machine\'s clock right?'
  return NO_TLS.has(code) ? 'that port does not speak TLS' : undefined
}

type Words = Pick<Failure, 'text'> & { readonly hint?: string | undefined }

const wordsFor = (error: NetworkError): Words => {
  const code = codeOf(error)
  if (code === 'ECONNREFUSED') return { text: (at) => `connection refused by ${at}` }
  if (CLOSED.has(code)) {
    const interim = error.message.startsWith('bad ') ? ' (unexpected 1xx status)' : ''
    return { text: (at) => `connection closed by ${at} before an answer${interim}` }
  }
  if (code === 'ENOTFOUND') return { text: (at) => `the name of ${at} was not found (${code})` }
  if (isGarbage(code, error)) return { text: (at) => `the answer of ${at} is not HTTP` }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return { text: (at) => `the headers of the answer of ${at} are too large` }
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return { text: (at) => `no connection to ${at} in time` }
  if (isCertificateCode(code) || code.startsWith('ERR_SSL_') || code === 'EPROTO') return { text: (at) => `no TLS with ${at}: ${code}`, hint: tlsHint(code) }
  if (/^E[A-Z]+$/.test(code)) return { text: (at) => `${at} cannot be reached (${code})` }
  return { text: (at) => `the request to ${at} failed: ${code || error.message}` }
}

/**
 * Classifies a question's error; a bug in this package stays an error.
 * @param written whether bytes of the question may have been sent over the failed connection
 */
export const failureOf = (error: Error, written: boolean): Failure | Error => {
  const code = codeOf(error)
  if (SHUT_DOWN.has(code)) return { met: 'nothing', text: () => 'authorization is being shut down', cause: error }
  if (MISUSE.has(code) || (code === '' && error instanceof TypeError)) return error
  const { text, hint } = wordsFor(error)
  return { met: metBy(error, written), text, ...(hint !== undefined && { hint }), cause: error }
}

/** For the operator: what happened, where, and what to do about it. */
export const operatorText = ({ text, hint }: Failure, at: string): string => maskSecrets(`${text(at)}${hint === undefined ? '' : `; ${hint}`}`)

/** A failure proven to be an outage. */
export const outageOf = (failure: Failure, at: string, suspects: readonly string[]): BackendUnavailable =>
  new BackendUnavailable(operatorText(failure, at), {
    cause: failure.cause, forClients: maskSecrets(failure.text('the backend')), ...(failure.met === 'doubt' && { suspects })
  })
