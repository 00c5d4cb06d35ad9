import { randomBytes } from 'node:crypto'
import { buildConnector, type Dispatcher } from 'undici'
import type { AccessRequest } from '../access/request.js'
import type { BackendSettings } from '../access/settings.js'
import { Connection, type Passenger } from './connection.js'
import { connectOptions } from './connections.js'
import { failureOf, type Failure } from './failure.js'
import type { Lookup } from './lookup.js'
import { requestBuilder, USER_AGENT, type BackendRequest, type Malformed } from './request.js'
import { Reserve } from './reserve.js'
import { afterTurns, type Turns } from './turns.js'

/** The probe got no answer that counts. */
interface FailedOutcome {
  readonly is: 'failed'
  readonly failure: Failure
  /** The request was sent. */
  readonly connected: boolean
  /** It got a status that counts as unavailable. */
  readonly status: boolean
}

/** The result of a probe. */
export type ProbeOutcome =
  /** A final status that counts. */
  | { readonly is: 'answered', readonly status: number }
  | FailedOutcome

/** The probe's time as a share of a question's, unless answers usually take longer. */
const SHARE = 2 / 3

/** A stall of this process that may have cost the probe one of its addresses, in milliseconds. */
const STALL_MS = 50

const hasTimedOut = (error: Error): boolean =>
  'errors' in error && Array.isArray(error.errors) && error.errors.some((each: { code?: unknown }) => each.code === 'ETIMEDOUT')

/**
 * The neutral question: it contains nothing from any client, so no client can cause what happens to it. Its address belongs
 * to nobody (RFC 5737); path and query are those of the option `probe`.
 */
export const probeRequest = ({ path, query }: BackendSettings['probe']): AccessRequest => ({
  sessionId: `probe-${randomBytes(12).toString('hex')}`, action: 'play', protocol: 'rtmp', ip: '192.0.2.1', path,
  origin: 'rtmp://probe', userAgent: USER_AGENT, query, streamPath: '/probe/probe'
})

/**
 * Asks one backend URL the neutral question: each time over a new connection outside the pool (a kept one goes silent behind
 * a NAT that forgot it), to the last known addresses, with a reserved descriptor. Its time is counted in turns of the event
 * loop.
 */
export class Probe {
  private readonly build: (request: AccessRequest) => BackendRequest | Malformed
  private readonly connector: buildConnector.connector
  private readonly reserve = new Reserve()
  private cancel: (() => void) | undefined
  private turns: Turns | undefined

  private readonly waitMs: number

  /** @param questionMs how long a client's question may take */
  constructor(private readonly settings: BackendSettings, url: string, private readonly lookup: Lookup, private readonly questionMs: number) {
    this.build = requestBuilder(settings, url)
    this.waitMs = SHARE * questionMs
    this.connector = buildConnector({
      ...connectOptions(settings), lookup: lookup.known, timeout: 0, maxCachedSessions: 0,
      // The first of several addresses may not answer.
      autoSelectFamilyAttemptTimeout: Math.max(250, Math.round(this.waitMs / 3))
    })
  }

  /** Time that stalls of this process took from the current probe, in milliseconds. */
  get lostMs(): number {
    return this.turns?.lostMs ?? 0
  }

  /**
   * Sends the probe. Never rejects. Call it again only when it has settled.
   *
   * @param usualMs how long answers usually take: its silence proves something only after that. It gets at most a question's time
   */
  ask(usualMs = 0): Promise<ProbeOutcome> {
    const waitMs = Math.max(this.waitMs, Math.min(usualMs, this.questionMs))
    this.reserve.take()
    const request = this.build(probeRequest(this.settings.probe))
    if ('malformed' in request) return Promise.resolve({ is: 'failed', connected: false, status: false, failure: { met: 'nothing', text: () => `the probe cannot be sent: ${request.malformed}` } })
    return new Promise((resolve) => {
      const connection = new Connection(request.origin, { pipelining: 1, headersTimeout: 0, bodyTimeout: 0 }, this.connector)
      let connected = false
      let settled = false
      const settle = (outcome: ProbeOutcome): void => {
        if (settled) return
        settled = true
        turns.stop()
        this.cancel = this.turns = undefined
        connection.cut()
        connection.destroy().catch(() => undefined)
        this.reserve.take()
        resolve(outcome)
      }
      const fail = (failure: Failure, status = false): void =>
        settle({ is: 'failed', failure, connected, status })
      const handler: Passenger = {
        connection: undefined,
        get gone() { return settled },
        onConnect: () => { connected = true },
        onHeaders: (status) => {
          if (status < 200) return true
          if (!this.settings.unavailableStatuses.includes(status)) settle({ is: 'answered', status })
          else fail({ met: 'doubt', text: (at) => `${at} answered ${status}, which counts as unavailable` }, true)
          return true
        },
        onData: () => true,
        onComplete: () => undefined,
        onError: (error) => {
          const failure = failureOf(error, connected)
          // Node abandons an address by a timer, which also fires after a stall of this process.
          if (hasTimedOut(error) && turns.lostMs > STALL_MS) fail({ met: 'nothing', text: () => 'this server was too busy to connect', cause: error })
          else fail(failure instanceof Error ? { met: 'nothing', text: () => `the probe failed: ${failure.message}`, cause: failure } : failure)
        }
      }
      const turns = this.turns = afterTurns(waitMs, () => fail({
        // Without an address the lookup was slow, and that may be this process's own fault.
        met: connected || this.lookup.found ? 'doubt' : 'nothing',
        text: (at) => `no ${connected ? 'answer by' : 'connection to'} ${at} within ${Math.round(waitMs)} ms`
      }))
      this.cancel = () => fail({ met: 'nothing', text: () => 'authorization is being shut down' })
      this.reserve.give()
      const options: Dispatcher.DispatchOptions = { method: 'GET', path: request.path, headers: request.headers }
      connection.dispatch(options, handler)
    })
  }

  /** Cancels the current probe and gives the descriptor back. */
  close(): void {
    this.cancel?.()
    this.reserve.give()
  }
}
