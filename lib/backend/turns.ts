import { safely } from '../safely.js'

/** The most one turn of the event loop counts for, in milliseconds. */
const TURN_MS = 20

/** How often turns are counted, in milliseconds: often enough that an idle process loses no time. */
const TICK_MS = 10

/** A running count of turns. */
export interface Turns {
  /** Stops counting. */
  stop(): void
  /** How long this process has stalled meanwhile, in milliseconds. */
  readonly lostMs: number
}

/**
 * Calls back after this much time in turns of the event loop, where no turn counts for more than 20 ms: a stall of this
 * process, in which nothing could be read, counts for almost nothing, and a process that is busy half of the time takes
 * twice as long. Everything that has arrived by then is read before the callback.
 */
export const afterTurns = (ms: number, over: () => void): Turns => {
  let leftMs = ms
  let lostMs = 0
  let before = performance.now()
  let timer: NodeJS.Timeout
  let polling: NodeJS.Immediate | undefined
  const end = safely(undefined, over)
  const endSoon = safely(undefined, () => { polling = setImmediate(end) })
  const turn = safely(undefined, () => {
    const now = performance.now()
    const counted = Math.min(now - before, TURN_MS)
    leftMs -= counted
    lostMs += now - before - counted
    before = now
    if (leftMs > 0) timer = setTimeout(turn, Math.min(leftMs, TICK_MS))
    // Two rounds, since TLS passes on what it has read one round later.
    else polling = setImmediate(endSoon)
  })
  timer = setTimeout(turn, Math.min(ms, TICK_MS))
  return {
    stop() {
      clearTimeout(timer)
      clearImmediate(polling)
    },
    get lostMs() { return lostMs + Math.max(0, performance.now() - before - TURN_MS) }
  }
}
