import type { AccessRequest } from '../access/request.js'
import { createSwings } from './swings.js'

/** Whether a publisher is the one that already publishes, back before its old connection has died. */
export type TakesOver = (running: AccessRequest, newcomer: AccessRequest) => boolean

const deviceOf = ({ ip, userAgent, query }: AccessRequest): string => JSON.stringify([ip, userAgent, query])

/** The default of `limits.barMs`, in milliseconds. */
const BAR_MS = 20_000

/**
 * The same device (address and user agent) with the same query takes over its own stream. Two encoders that look alike
 * would end each other for ever; after five returns within a second of their end, nobody takes over until there has
 * been no attempt for `barMs`.
 */
export const createTakeover = (barMs: () => number | undefined = () => undefined, now: () => number = Date.now): TakesOver => {
  const swings = createSwings(() => barMs() ?? BAR_MS, now)
  return (running, newcomer) => {
    const device = deviceOf(newcomer)
    if (deviceOf(running) !== device || running.streamPath !== newcomer.streamPath) return false
    if (swings.asks(device, newcomer.streamPath)) return false
    swings.ended(device, newcomer.streamPath)
    return true
  }
}
