import type { Authorize } from '../../../lib/access/authorize.js'
import type { AccessRequest } from '../../../lib/access/request.js'
import { allow, deny, type Verdict } from '../../../lib/access/verdict.js'
import { BackendUnavailable } from '../../../lib/errors.js'

/** A signal of a client that stays. */
export const stays = new AbortController().signal

export const requestOf = (change: Partial<AccessRequest> = {}): AccessRequest => ({
  sessionId: 'S1', action: 'play', protocol: 'rtmp', ip: '203.0.113.7', path: '/live/s', origin: 'rtmp://live.example.com',
  userAgent: 'LNX 9,0,124,2', query: 'token=123', streamPath: '/live/s', ...change
})

export type Answer = Verdict | Error

export const ALLOW: Verdict = { ...allow('backend', '200 OK'), status: 200, latencyMs: 5 }
export const DENY: Verdict = { ...deny('backend', '403 Forbidden'), status: 403, latencyMs: 5 }
export const OUTAGE = new BackendUnavailable('connection refused')
export const OVERLOAD = deny('overload', 'too many clients')

/** A backend whose answers the test sets. */
export interface FakeBackend {
  answer: Answer
  readonly asked: AccessRequest[]
  readonly authorize: Authorize
}

export const fakeBackend = (answer: Answer = ALLOW): FakeBackend => {
  const backend: FakeBackend = {
    answer,
    asked: [],
    authorize: (request) => {
      backend.asked.push(request)
      return backend.answer instanceof Error ? Promise.reject(backend.answer) : Promise.resolve(backend.answer)
    }
  }
  return backend
}

/** A backend whose answers come when the test gives them, in any order. */
export const slowBackend = (): { readonly waiting: ((answer: Answer) => void)[], readonly authorize: Authorize } => {
  const waiting: ((answer: Answer) => void)[] = []
  return {
    waiting,
    authorize: () => new Promise((resolve, reject) => {
      waiting.push((answer) => answer instanceof Error ? reject(answer) : resolve(answer))
    })
  }
}

/** What a step came to: the verdict's source and whether it allows, or the error's name. */
export const outcome = (verdict: Promise<Verdict>): Promise<string> =>
  verdict.then(({ allowed, source }) => `${allowed ? 'allow' : 'deny'} by ${source}`, (error: Error) => error.name)
