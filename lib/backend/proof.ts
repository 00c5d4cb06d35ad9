/**
 * What a question met instead of an answer:
 * - `proof`: it failed before a byte was written, in a way that only the backend or the network can cause
 * - `doubt`: silence, no connection in time, closed, garbage, a status that counts as unavailable. A
 *   client's own bytes, or a stall of this process, can cause each of them
 * - `nothing`: this process or its machine lacked something, or nobody knows what it was
 */
export type Met = 'proof' | 'doubt' | 'nothing'

/** The result of an unanswered question; `wait`: for a witness, until its time is up. */
export type Judgement = 'outage' | 'unanswered' | 'overload' | 'wait'

/** What else is known. */
export interface Witnesses {
  /** Somebody has been answered since. */
  readonly for: boolean
  /** The probe was not answered either. */
  readonly against: boolean
  /** The question's time is up. */
  readonly due: boolean
}

/** The table. Everything it does not call an outage is a refusal, whatever the default action. */
export const judge = (met: Met, witnesses: Witnesses): Judgement => {
  switch (met) {
    case 'proof': return 'outage'
    case 'nothing': return 'overload'
    case 'doubt':
      if (witnesses.for) return 'unanswered'
      if (witnesses.against) return 'outage'
      return witnesses.due ? 'overload' : 'wait'
  }
}

/** How long a failed probe speaks against the backend, in milliseconds. */
export const PROOF_MS = 1000

/** A probe that was not answered. Times are in milliseconds of one clock. */
export interface FailedProbe {
  readonly met: 'proof' | 'doubt'
  /** It got a status that counts as unavailable. */
  readonly status: boolean
  readonly beganAt: number
  readonly failedAt: number
}

/** What is known about one backend URL. */
export interface Seen {
  /** When somebody, a client or a probe, last got a final status that counts. */
  readonly answeredAt: number
  readonly failed: FailedProbe | undefined
  /** Since when all questions have failed, with nobody answered. */
  readonly failingSince: number
  /** When the current probe began. */
  readonly probingSince: number | undefined
  /** Whether the backend answers this probe when it is up; see `Trust`. */
  readonly trusted: boolean
}

/**
 * Whether the evidence speaks against the backend: the last probe failed at most a second ago, or the next one followed within
 * that second and has no answer yet; and nobody has been answered since the failed one began.
 *
 * A status that counts as unavailable counts only if all questions have failed for `quietMs`: a proxy that says 503 to nine of ten, the probe among them, has a backend that answers the tenth.
 */
export const speaksAgainst = ({ answeredAt, failed, failingSince, probingSince, trusted }: Seen, now: number, quietMs: number): boolean => {
  if (failed === undefined || answeredAt >= failed.beganAt) return false
  if ((probingSince ?? now) - failed.failedAt > PROOF_MS) return false
  return failed.met === 'proof' || (trusted && (!failed.status || now - failingSince >= quietMs))
}

/** Nobody listens, or there is no route. */
const UNREACHABLE = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN']

/** Node's and OpenSSL's codes of a rejected certificate. */
const CERTIFICATE = [
  'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'UNABLE_TO_GET_CRL', 'UNABLE_TO_DECRYPT_CRL_SIGNATURE', 'CERT_SIGNATURE_FAILURE', 'CRL_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED', 'CRL_NOT_YET_VALID', 'CRL_HAS_EXPIRED', 'ERROR_IN_CERT_NOT_BEFORE_FIELD', 'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD', 'ERROR_IN_CRL_NEXT_UPDATE_FIELD', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_CHAIN_TOO_LONG', 'CERT_REVOKED', 'INVALID_CA', 'PATH_LENGTH_EXCEEDED', 'INVALID_PURPOSE', 'CERT_UNTRUSTED', 'CERT_REJECTED',
  'HOSTNAME_MISMATCH', 'ERR_TLS_CERT_ALTNAME_INVALID'
]

/** The closed list. `ENOTFOUND` comes from `lookup`, which reports it only for a name it has never resolved, and with descriptors to spare. */
const PROOFS: ReadonlySet<string> = new Set([...UNREACHABLE, ...CERTIFICATE, 'ENOTFOUND'])

/** No connection in time, connection closed, or not HTTP. */
const DOUBTS: ReadonlySet<string> = new Set([
  'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET', 'EPROTO',
  'UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
])

export const isCertificateCode = (code: string): boolean => CERTIFICATE.includes(code)

/** What an error code proves. `written`: bytes of the question may have been sent over this connection. */
export const worthOf = (code: string, written: boolean): Met => {
  if (PROOFS.has(code)) return written ? 'doubt' : 'proof'
  return DOUBTS.has(code) || code.startsWith('HPE_') || code.startsWith('ERR_SSL_') ? 'doubt' : 'nothing'
}

/** What the errors of several addresses prove together: only as much as the weakest of them. */
export const leastOf = (all: readonly Met[]): Met =>
  all.includes('nothing') ? 'nothing' : all.includes('doubt') ? 'doubt' : 'proof'
