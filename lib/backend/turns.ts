import { safely } from '../safely.js'

/** The most that one turn of the event loop counts for, in milliseconds. */
const TURN_MS = 20

/** How often they are counted, in milliseconds: often enough that an idle process loses none. */
const TICK_MS = 10

/** Turns that are being counted. */
export interface Turns {
  /** Ends the counting. */
  stop(): void
  /** For how long this process has stalled meanwhile, in milliseconds. */
  readonly lostMs: number
}

/**
 * Calls back when the event loop has turned for so long, where no turn counts for more than 20 ms: a
 * stall of this process, in which nothing could be read, counts as next to nothing, and a process that
 * is busy half of the time needs twice as long. What has come in by then has been read before the call.
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
    // Two rounds, since TLS hands on what it has read in the round after.
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
