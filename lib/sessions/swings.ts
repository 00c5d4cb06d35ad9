/** What is known of a device that takes its place back again and again. */
interface Swing {
  streamPath: string
  endedAt: number
  /** It has come back since its last end. */
  back: boolean
  returns: number
  /** Until then nobody goes for this device because it is the same. */
  stillUntil: number
}

/**
 * Two players that look alike (one address, one user agent) end each other for ever if each starts again by
 * itself. So the returns of a device are counted to the stream on which it has just been ended.
 */
export interface Swings {
  /** A session of the device was ended for another of the same. */
  ended(device: string, streamPath: string): void
  /** A client of the device asks; whether nobody may go for it now because it is the same device. */
  asks(device: string, streamPath: string): boolean
}

/** A return is one within this long of the end, in milliseconds: nobody zaps away and back as quickly, five times. */
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
