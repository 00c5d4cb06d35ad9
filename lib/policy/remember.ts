import type { Authorize } from '../access/authorize.js'
import { isForFiles } from '../access/request.js'
import { deny, type Verdict, type VerdictSource } from '../access/verdict.js'
import { trace } from '../trace.js'
import { createAllows, type Allows } from './allows.js'
import type { SharedMemory } from './shared-memory.js'

const debug = trace('policy')

/** An earlier allow as the verdict of another session, without its latency. */
export const remembered = ({ status, userId, maxSessions, validForMs }: Verdict, reason: string, source: VerdictSource = 'remembered'): Verdict => ({
  allowed: true,
  source,
  reason,
  ...(status !== undefined && { status }),
  ...(userId !== undefined && { userId }),
  ...(maxSessions !== undefined && { maxSessions }),
  ...(validForMs !== undefined && { validForMs })
})

/**
 * Lets a client in again without asking while the backend's earlier allow is valid: for `X-AuthDuration`, or
 * else for `rememberMs`. A portal's token may live a few seconds while its answer is valid for hours, so
 * asking again would cut paying viewers. Remembers only the backend's allows.
 *
 * @param shared - the memory of other servers, consulted if nothing is known here
 */
export const remember = (
  next: Authorize, { rememberMs }: { rememberMs: number }, allows: Allows = createAllows(), shared?: SharedMemory
): Authorize => {
  const ask: Authorize = (request, signal) => next(request, signal).then((verdict) => {
    const forMs = verdict.validForMs ?? rememberMs
    if (!verdict.allowed || verdict.source !== 'backend' || forMs <= 0) return verdict
    allows.set(request, verdict, forMs)
    const told = shared?.remember(request, verdict, forMs)
    // The next request of a viewer of files may go to another server.
    return told !== undefined && isForFiles(request) ? told.then(() => verdict) : verdict
  })
  const askOthers = async (others: SharedMemory, ...[request, signal]: Parameters<Authorize>): Promise<Verdict> => {
    const known = await others.recall(request)
    if (known?.barred === true) return deny('limit', 'your account is watched on other devices')
    if (known?.allow !== undefined) {
      const { verdict, remainingMs } = known.allow
      allows.set(request, verdict, remainingMs)
      debug('%s is remembered by another server', request.sessionId)
      return remembered({ ...verdict, ...(verdict.validForMs !== undefined && { validForMs: remainingMs }) }, 'allowed by the backend before')
    }
    return ask(request, signal)
  }
  return (request, signal) => {
    const earlier = allows.get(request)
    if (earlier !== undefined) {
      debug('%s is remembered', request.sessionId)
      return Promise.resolve(remembered(earlier, 'allowed by the backend before'))
    }
    return shared === undefined ? ask(request, signal) : askOthers(shared, request, signal)
  }
}
