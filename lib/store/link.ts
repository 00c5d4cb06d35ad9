import type { StoreSettings } from '../access/settings.js'
import { safely } from '../safely.js'
import { trace } from '../trace.js'
import type { Client } from './client.js'
import type { ScriptName } from './scripts.js'

const debug = trace('store')

/** Heartbeats without an answer, after which a connection is ended. */
const MAX_UNANSWERED = 2

/** The one way to the store. Never rejects, and waits for nobody for longer than `timeoutMs`. */
export interface Link {
  readonly up: boolean
  /** Commands without a good answer in time, and connections that were lost or could not be made. */
  readonly errors: number
  readonly outages: number
  /** Runs a script; `undefined` if the store is away, says that it cannot, or has not answered in time. */
  run(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  /** Waits for what was sent, for no longer than `timeoutMs`. */
  close(): Promise<void>
}

export interface LinkHooks {
  /** Keys and arguments of the next sign of life. */
  hello(): { readonly keys: readonly string[], readonly args: readonly (string | number)[] }
  /** It was answered in time; the store may still be away, and is up once this returns. */
  onHello(reply: unknown): void
  /** The same, now that commands may be sent. */
  onBeat(): void
  /** Too many were not: the connection is ended, and a new one made. */
  onDead(): void
  onAway(reason: string): void
  /** Once for each `onAway`. */
  onBack(awayMs: number): void
}

type State = { readonly is: 'up' } | { readonly is: 'away', readonly since: number }

/**
 * Watches one connection. It is up once a heartbeat has been answered in time, and away with the first command that was
 * not, or that came back with an error: then nobody waits any more, and nothing but heartbeats is sent.
 *
 * Each command says until when it is wanted, in the store's own time, which the newest heartbeat told: what lies in a
 * stopped store's socket has no effect when it goes on. What is taken for the store's time is behind it, never before it.
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
  /** The store's clock was at `time` some time between `sentAt` and now: what is known goes on if that can be, or is put right. */
  const learn = (time: number, sentAt: number): void => {
    const least = time - Math.floor(performance.now() * 1000)
    if (offset < least || offset > time - Math.floor(sentAt * 1000)) offset = least
  }

  /** From now on nobody waits. */
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
    // The first time, and after a moment in which this process was too busy itself, there is nothing to take back.
    if (!said) return
    said = false
    hooks.onBack(awayMs)
  }
  const send = (name: ScriptName, keys: readonly string[], args: readonly (string | number)[], deadline: number): Promise<unknown> =>
    client[`nha_${name}`](keys.length, ...keys, deadline, ...args)

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
      // The answer may lie in the socket if it was this process that was busy: one more turn reads it.
      const late = safely(giveUp, () => {
        if (!pending.has(giveUp)) return
        giveUpOn()
        // If this process was too busy even to send it in time, a heartbeat is answered at once; if not, that is the outage.
        hello()
      })
      const timer = setTimeout(safely(giveUp, () => setImmediate(late)), timeoutMs)
      pending.add(giveUp)
      send(name, keys, args, now() + timeoutMs * 1000).then(settle, (error: unknown) => {
        if (!pending.has(giveUp)) return
        const { message } = error as Error
        if (!message.startsWith('LATE')) return fail(message)
        // It did come in time: the clocks have moved against each other.
        giveUpOn()
        hello()
      })
    })

  const beat = (): void => {
    if (unanswered >= MAX_UNANSWERED) {
      unanswered = 0
      debug('the connection is ended')
      client.disconnect(true)
      hooks.onDead()
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
    send('hello', keys, args, 0).then((reply) => {
      answered = true
      clearTimeout(late)
      if (closed) return
      unanswered = 0
      learn(Number((reply as [string])[0]), sentAt)
      if (performance.now() - sentAt > timeoutMs && state.is === 'away') return
      hooks.onHello(reply)
      back()
      hooks.onBeat()
    }, (error: unknown) => {
      answered = true
      clearTimeout(late)
      // It is an answer, if not a good one.
      unanswered = 0
      fail((error as Error).message)
    })
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
