import type { Authorize } from '../access/authorize.js'
import { deny, type Verdict, type VerdictSource } from '../access/verdict.js'
import { trace } from '../trace.js'
import { createMemory, type Memory } from './memory.js'
import { isForFiles, requestKey } from './request-key.js'
import type { SharedMemory } from './shared-memory.js'

const debug = trace('policy')

/** An earlier allow as the verdict of another session: what the backend said, but not how long it took. */
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
 * Lets a client in again without asking, as long as the backend's earlier allow holds: as long as
 * it said itself (`X-AuthDuration`), else for `rememberMs`. A portal's token may live a few seconds
 * while its answer is good for hours, so asking again would cut viewers who have paid.
 * Only what the backend allowed is remembered; a denial is asked again each time.
 *
 * @param shared - what other servers remember: looked at where nothing is known here
 */
export const remember = (
  next: Authorize, { rememberMs }: { rememberMs: number }, memory: Memory = createMemory(), shared?: SharedMemory
): Authorize => {
  const ask: Authorize = (request, signal) => next(request, signal).then((verdict) => {
    const forMs = verdict.validForMs ?? rememberMs
    if (!verdict.allowed || verdict.source !== 'backend' || forMs <= 0) return verdict
    memory.set(requestKey(request), verdict, forMs)
    const told = shared?.remember(request, verdict, forMs)
    // The next request of a viewer of files may go to another server.
    return told !== undefined && isForFiles(request) ? told.then(() => verdict) : verdict
  })
  const askOthers = async (others: SharedMemory, ...[request, signal]: Parameters<Authorize>): Promise<Verdict> => {
    const known = await others.recall(request)
    if (known?.barred === true) return deny('limit', 'your account is watched on other devices')
    if (known?.allow !== undefined) {
      const { verdict, remainingMs } = known.allow
      memory.set(requestKey(request), verdict, remainingMs)
      debug('%s is remembered by another server', request.sessionId)
      return remembered({ ...verdict, ...(verdict.validForMs !== undefined && { validForMs: remainingMs }) }, 'allowed by the backend before')
    }
    return ask(request, signal)
  }
  return (request, signal) => {
    // A hash costs a tenth of a whole question: none is made where nothing is, or is to be, remembered.
    const earlier = memory.size === 0 ? undefined : memory.get(requestKey(request))
    if (earlier !== undefined) {
      debug('%s is remembered', request.sessionId)
      return Promise.resolve(remembered(earlier, 'allowed by the backend before'))
    }
    return shared === undefined ? ask(request, signal) : askOthers(shared, request, signal)
  }
}
