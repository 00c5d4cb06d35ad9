/** What is known about a device that takes its place back repeatedly. */
interface Swing {
  streamPath: string
  endedAt: number
  /** It has come back since its last end. */
  back: boolean
  returns: number
  /** Until then no session of the same device ends for it. */
  stillUntil: number
}

/**
 * Two players that look alike (same address and user agent) would end each other for ever if each restarts by itself.
 * So the returns of a device to the stream on which it was just ended are counted.
 */
export interface Swings {
  /** A session of the device was ended for another session of the same device. */
  ended(device: string, streamPath: string): void
  /** A client of the device asks. Returns whether no session of the same device may end for it now. */
  asks(device: string, streamPath: string): boolean
}

/** A return is a request within this time after the end, in milliseconds: nobody zaps away and back as quickly five times. */
export const RETURN_MS = 1000
const MAX_RETURNS = 5
const MAX_DEVICES = 20_000

export const createSwings = (barMs: () => number, now: () => number): Swings => {
  const swings = new Map<string, Swing>()
  return {
    ended(device, streamPath) {
      const swing = swings.get(device)
      if (swing === undefined) {
        if (swings.size >= MAX_DEVICES) swings.delete(swings.keys().next().value ?? '')
        swings.set(device, { streamPath, endedAt: now(), back: false, returns: 0, stillUntil: 0 })
        return
      }
      if (now() - swing.endedAt > barMs()) swing.returns = 0
      Object.assign(swing, { streamPath, endedAt: now(), back: false })
    },
    asks(device, streamPath) {
      const swing = swings.get(device)
      if (swing === undefined) return false
      const at = now()
      if (swing.stillUntil > at) {
        swing.stillUntil = at + barMs()
        return true
      }
      const isReturn = swing.streamPath === streamPath && at - swing.endedAt <= RETURN_MS
      if (isReturn && !swing.back) {
        swing.back = true
        swing.returns += 1
        if (swing.returns > MAX_RETURNS) {
          swing.returns = 0
          swing.stillUntil = at + barMs()
          return true
        }
      } else if (!isReturn && at - swing.endedAt > Math.max(barMs(), RETURN_MS)) swings.delete(device)
      return false
    }
  }
}
