import type { HostListener } from '../nms/host.js'
import type { ConsoleLog } from '../observe/console.js'
import { createTakeover } from '../sessions/takeover.js'

interface Around {
  readonly log: () => ConsoleLog
  /** `limits.barMs` in force; `undefined` if limits are off. */
  readonly barMs: () => number | undefined
  readonly onStop: HostListener['onStop']
}

/** Handles what the running node-media-server reports. */
export const createHostListener = ({ log, barMs, onStop }: Around): HostListener => ({
  onIntruder: ({ id, ip, streamPath }, action, layer) =>
    log().error(`${action} of ${streamPath} by ${ip} (session ${id}) reached node-media-server without a verdict and was cut by the ${layer}; please report this`),
  takesOver: createTakeover(barMs),
  onFailure: (error) => log().error('a listener of node-media-server\'s "donePlay" failed', error),
  onStop
})
