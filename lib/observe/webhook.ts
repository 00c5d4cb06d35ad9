import { createHmac, randomUUID } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { WebhookSettings } from '../access/settings.js'
import { safely } from '../safely.js'
import { VERSION } from '../version.js'
import type { SessionFacts, Sink } from './hub.js'

/** Limits for a receiver that is down or slow. Times are in milliseconds. */
export interface WebhookLimits {
  /** Most events that wait; beyond it the oldest are dropped. */
  readonly maxWaiting: number
  readonly maxAgeMs: number
  readonly timeoutMs: number
  /** The pause between two attempts, doubled from the first value to the second. */
  readonly pauseMs: readonly [from: number, to: number]
  /** How long closing goes on sending. */
  readonly closeMs: number
}

export const WEBHOOK_LIMITS: WebhookLimits = { maxWaiting: 10_000, maxAgeMs: 300_000, timeoutMs: 10_000, pauseMs: [500, 30_000], closeMs: 2000 }

export interface WebhookEvents {
  /** The receiver did not accept an event; called once per series of failures. */
  readonly onTrouble: (problem: string) => void
  /** It accepts events again. @param lost events lost meanwhile */
  readonly onMended: (lost: number) => void
}

export interface Webhook extends Sink {
  /** Events lost so far. */
  readonly lost: number
  /** Sends what is waiting, for a short while. */
  close(): Promise<void>
}

/** `t=SECONDS,v1=HEX`. The HMAC covers the time, so that an old request cannot be replayed as a new one. */
export const signatureOf = (secret: string, seconds: number, body: string): string =>
  `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`

const RETRIED_4XX = [408, 429]

/**
 * Posts starts and ends one after the other, in their order. Each has a number within `epoch`, which identifies the
 * process, so that a receiver can order them and see gaps. Nothing in the plugin waits for the receiver.
 */
export const createWebhook = (settings: WebhookSettings, { onTrouble, onMended }: WebhookEvents, limits = WEBHOOK_LIMITS): Webhook => {
  const url = new URL(settings.url)
  const secure = url.protocol === 'https:'
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
  const epoch = randomUUID()
  const waiting: { readonly at: number, readonly body: string }[] = []
  let sequence = 0
  let lost = 0
  let lostBefore = 0
  let trouble = false
  let pauseMs = 0
  let sending = false
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let drained: () => void = () => undefined

  /** The status, or what went wrong. */
  const post = (body: string): Promise<number | string> => new Promise((resolve) => {
    const seconds = Math.floor(Date.now() / 1000)
    const req = (secure ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent,
      headers: {
        'User-Agent': `node-media-server-http-auth/${VERSION}`,
        ...settings.headers,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        ...(settings.secret !== undefined && { 'X-Signature': signatureOf(settings.secret, seconds, body) })
      }
    })
    const late = setTimeout(safely(undefined, () => {
      resolve(`no answer within ${limits.timeoutMs} ms`)
      req.destroy()
    }), limits.timeoutMs)
    late.unref()
    req.on('error', safely(undefined, (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)))
    req.on('response', safely(req, (res) => {
      res.on('error', safely(undefined, () => undefined)).resume()
      // An answer that never ends occupies the connection, but does not delay the next event.
      res.on('end', safely(undefined, () => clearTimeout(late)))
      resolve(res.statusCode ?? 0)
    }))
    req.on('close', safely(undefined, () => {
      clearTimeout(late)
      resolve('the connection was closed')
    }))
    req.end(body)
  })
  const failed = (problem: string): void => {
    if (trouble) return
    trouble = true
    lostBefore = lost
    onTrouble(problem)
  }
  const drop = (): void => {
    waiting.shift()
    lost += 1
  }
  /** @returns whether the next event may be sent at once */
  const sendFirst = async (first: { readonly at: number, readonly body: string }): Promise<boolean> => {
    const answer = await post(first.body)
    // It may have been dropped meanwhile because too many were waiting.
    const still = waiting[0] === first
    if (typeof answer === 'number' && answer >= 200 && answer < 300) {
      if (still) waiting.shift()
      else lost -= 1
      pauseMs = 0
      if (trouble) {
        trouble = false
        onMended(lost - lostBefore)
      }
      return true
    }
    const gone = typeof answer === 'number' && answer >= 400 && answer < 500 && !RETRIED_4XX.includes(answer)
    failed(typeof answer === 'number' ? `answers ${answer}` : `cannot be reached (${answer})`)
    if (!gone) {
      pauseMs = Math.min(Math.max(2 * pauseMs, limits.pauseMs[0]), limits.pauseMs[1])
      return false
    }
    if (still) drop()
    return true
  }
  const send = async (): Promise<void> => {
    if (sending) return
    sending = true
    try {
      for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
        if (Date.now() - first.at > limits.maxAgeMs) {
          failed('took nothing for too long')
          drop()
        } else if (!await sendFirst(first)) {
          if (!closed) timer = setTimeout(safely(undefined, () => {
            timer = undefined
            void send()
          }), pauseMs).unref()
          return
        }
      }
    } finally {
      sending = false
      if (waiting.length === 0) drained()
    }
  }
  const tell = (event: 'start' | 'end', session: SessionFacts, at: number, more: object = {}): void => {
    if (closed || !settings.events.includes(event)) return
    const { id, action, protocol, ip, path, streamPath, userAgent, user, startedAt } = session
    const body = JSON.stringify({
      epoch, sequence: sequence++, event, time: new Date(at).toISOString(), session: id, action, protocol, ip, path, streamPath, userAgent, user, startedAt: new Date(startedAt).toISOString(), ...more
    })
    if (waiting.length >= limits.maxWaiting) {
      failed('is slower than what it is told')
      drop()
    }
    waiting.push({ at: Date.now(), body })
    if (timer === undefined) void send()
  }

  return {
    start: (session) => tell('start', session, session.startedAt),
    end: (session, { at, inBytes, outBytes, reason }) => tell('end', session, at, { durationMs: at - session.startedAt, inBytes, outBytes, reason }),
    get lost() { return lost },
    async close() {
      closed = true
      clearTimeout(timer)
      const empty = new Promise<void>((resolve) => { drained = resolve })
      if (waiting.length > 0) {
        if (!sending) void send()
        await Promise.race([empty, new Promise((resolve) => { setTimeout(resolve, limits.closeMs).unref() })])
      }
      lost += waiting.length
      waiting.length = 0
      agent.destroy()
    }
  }
}
