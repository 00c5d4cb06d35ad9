import { deny, type Verdict } from '../../access/verdict.js'

/** For whom this server has no time any more. Another one may have, so clients are told. */
export const stopping = deny('overload', 'this server is being stopped')

/** The HTTP status of a refusal: 503 for what may pass by itself, 400 for malformed requests, otherwise 403. */
export const statusOf = (verdict: Verdict): number => {
  switch (verdict.source) {
    case 'default': case 'unanswered': case 'overload': return 503
    case 'malformed': return 400
    case 'backend': case 'rule': case 'remembered': case 'last-verdict': case 'limit': case 'dry-run': return 403
  }
}

/** Headers of every refusal except those for CORS; no cache may keep it. */
export const refusalHeaders = (status: number, body: string): Record<string, string> => ({
  'Content-Type': 'text/plain; charset=utf-8',
  'Content-Length': String(Buffer.byteLength(body)),
  'Cache-Control': 'no-store',
  ...(status === 503 ? { 'Retry-After': '5' } : {}),
  ...(status === 405 ? { Allow: 'GET, POST, OPTIONS' } : {})
})

/**
 * What a refused client reads: enough for its user to act on, nothing about the backend's address or the operator's
 * rules. One line of printable ASCII.
 */
export const clientReason = ({ source, reason, status }: Verdict): string => {
  switch (source) {
    // A 200 that denies nevertheless, by its body or a missing header, would only confuse.
    case 'backend': case 'remembered': case 'last-verdict': return status === undefined || status === 200 ? 'access denied' : `access denied (${status})`
    case 'limit': return reason
    case 'rule': return 'access denied by the server\'s rules'
    case 'default': return 'authorization is unavailable, try again later'
    case 'unanswered': return 'authorization gave no answer, try again later'
    // It denies nobody.
    case 'dry-run': return 'access denied'
    case 'overload': return reason === stopping.reason ? `${reason}, try again later` : 'too many requests are waiting, try again later'
    case 'malformed': return reason.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200)
  }
}
