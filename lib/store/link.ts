import type { StoreSettings } from '../access/settings.js'
import { safely } from '../safely.js'
import { trace } from '../trace.js'
import type { Client } from './client.js'
import { isReplyOf, senseless } from './replies.js'
import type { ScriptName } from './scripts.js'

const debug = trace('store')

/** Unanswered heartbeats after which the connection is ended. */
const MAX_UNANSWERED = 2

/** The only way to the store. Never rejects, and never waits longer than `timeoutMs`. */
export interface Link {
  readonly up: boolean
  /** Commands without a usable answer in time, and failed or lost connections. */
  readonly errors: number
  readonly outages: number
  /** Runs a script; `undefined` if the store is away, reports an error, or has not answered in time. */
  run(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  /** Waits for pending commands, for at most `timeoutMs`. */
  close(): Promise<void>
}

export interface LinkHooks {
  /** Keys and arguments of the next heartbeat. */
  hello(): { readonly keys: readonly string[], readonly args: readonly (string | number)[] }
  /** A heartbeat was answered in time; if the store was away, it is up when this returns. */
  onHello(reply: unknown): void
  /** The same, once commands may be sent. */
  onBeat(): void
  /** Too many heartbeats were not answered, or an answer made no sense: the connection is ended, and a new one opened. */
  onDead(): void
  onAway(reason: string): void
  /** Once for each `onAway`. */
  onBack(awayMs: number): void
}

type State = { readonly is: 'up' } | { readonly is: 'away', readonly since: number }

/**
 * Watches one connection. It is up once a heartbeat is answered in time, and away with the first command that is not,
 * or that returns an error: from then on nothing waits and only heartbeats are sent.
 *
 * Each command carries a deadline in the store's own time, learned from the latest heartbeat: commands that lie in a
 * stopped store's socket have no effect when it goes on. Our estimate of the store's time is never ahead of it.
 */
export const createLink = (client: Client, { timeoutMs, heartbeatMs }: StoreSettings, hooks: LinkHooks): Link => {
  const pending = new Set<() => void>()
  /** The store's clock minus ours, in microseconds. */
  let offset = 0
  let state: State = { is: 'away', since: performance.now() }
  let said = false
  let errors = 0
  let outages = 0
  let unanswered = 0
  let closed = false
  const now = (): number => Math.floor(performance.now() * 1000) + offset
  /**
   * The store's clock showed `time` at some moment between `sentAt` and now: keeps the estimate if that is possible,
   * otherwise corrects it.
   */
  const learn = (time: number, sentAt: number): void => {
    const least = time - Math.floor(performance.now() * 1000)
    if (offset < least || offset > time - Math.floor(sentAt * 1000)) offset = least
  }

  /** From now on nothing waits. */
  const giveUpOn = (): void => {
    errors += 1
    if (state.is === 'up') state = { is: 'away', since: performance.now() }
    for (const giveUp of [...pending]) giveUp()
  }
  const fail = (reason: string): void => {
    if (closed) return
    giveUpOn()
    if (said) return
    said = true
    outages += 1
    debug('away: %s', reason)
    hooks.onAway(reason)
  }
  const back = (): void => {
    if (state.is === 'up') return
    const awayMs = performance.now() - state.since
    state = { is: 'up' }
    // At the start, and after a moment in which only this process was too busy, there is nothing to revoke.
    if (!said) return
    said = false
    hooks.onBack(awayMs)
  }
  const reconnect = (): void => {
    debug('the connection is ended')
    client.disconnect(true)
    hooks.onDead()
  }
  const send = async (name: ScriptName, keys: readonly string[], args: readonly (string | number)[], deadline: number): Promise<unknown> => {
    const reply = await client[`nha_${name}`](keys.length, ...keys, deadline, ...args)
    if (isReplyOf(name, reply)) return reply
    // Answers may be out of step with commands now, and the next one would be somebody else's.
    reconnect()
    throw senseless(name)
  }

  const waiting = new Set<() => void>()
  const drained = (): Promise<void> => new Promise((resolve) => {
    if (pending.size === 0) resolve()
    else waiting.add(resolve)
  })
  const run: Link['run'] = (name, keys, args) => state.is !== 'up'
    ? Promise.resolve(undefined)
    : new Promise((resolve) => {
      const settle = (reply: unknown): void => {
        if (!pending.delete(giveUp)) return
        clearTimeout(timer)
        resolve(reply)
        if (pending.size === 0) for (const done of waiting) done()
      }
      const giveUp = (): void => settle(undefined)
      // If this process was busy, the answer may already be in the socket: one more turn reads it.
      const late = safely(giveUp, () => {
        if (!pending.has(giveUp)) return
        giveUpOn()
        // If this process was too busy even to send it in time, a heartbeat is answered at once; if not, that is the
        // outage.
        hello()
      })
      const timer = setTimeout(safely(giveUp, () => setImmediate(late)), timeoutMs)
      pending.add(giveUp)
      send(name, keys, args, now() + timeoutMs * 1000).then(settle, (error: unknown) => {
        if (!pending.has(giveUp)) return
        const { message } = error as Error
        if (!message.startsWith('LATE')) return fail(message)
        // It did arrive in time: the clocks have drifted apart.
        giveUpOn()
        hello()
      })
    })

  const beat = (): void => {
    if (unanswered >= MAX_UNANSWERED) {
      unanswered = 0
      reconnect()
      return
    }
    unanswered += 1
    hello()
  }
  const hello = (): void => {
    if (client.status !== 'ready') return
    const sentAt = performance.now()
    const giveUp = safely(undefined, () => {
      if (answered) return
      fail(`no answer within ${timeoutMs} ms`)
    })
    const late = setTimeout(safely(undefined, () => setImmediate(giveUp)), timeoutMs)
    let answered = false
    const { keys, args } = hooks.hello()
    send('hello', keys, args, 0).then(safely(undefined, (reply: unknown) => {
      answered = true
      clearTimeout(late)
      if (closed) return
      unanswered = 0
      learn(Number((reply as [string])[0]), sentAt)
      if (performance.now() - sentAt > timeoutMs && state.is === 'away') return
      hooks.onHello(reply)
      back()
      hooks.onBeat()
    }), safely(undefined, (error: unknown) => {
      answered = true
      clearTimeout(late)
      // An answer, though an error.
      unanswered = 0
      fail((error as Error).message)
    }))
  }
  const timer = setInterval(safely(undefined, beat), heartbeatMs).unref()

  client.on('ready', safely(undefined, () => {
    unanswered = 0
    beat()
  }))
  client.on('close', safely(undefined, () => {
    unanswered = 0
    fail('the connection is closed')
  }))
  client.on('error', safely(undefined, (error: Error) => fail(error.message)))
  client.connect().catch((error: unknown) => fail((error as Error).message))

  return {
    run,
    get up() { return state.is === 'up' },
    get errors() { return errors },
    get outages() { return outages },
    async close() {
      clearInterval(timer)
      // Each is over in time, answered or not.
      await Promise.race([new Promise((resolve) => { setTimeout(resolve, timeoutMs).unref() }), drained()])
      closed = true
      state = { is: 'away', since: performance.now() }
      for (const giveUp of [...pending]) giveUp()
      client.disconnect()
    }
  }
}
