import type { Fault } from './faulty-proxy.js'

/** What becomes of a good and of a bad token while a backend fails. */
export type Outcome = 'verdicts' | 'outage' | 'allows'

/** The verdict of each token, by what a fault leaves of the answers. */
export const EXPECTED: Readonly<Record<Outcome, readonly [good: string, bad: string]>> = {
  verdicts: ['allow by backend', 'deny by backend'],
  outage: ['outage', 'outage'],
  allows: ['allow by backend', 'allow by backend']
}

/** Every way in which a backend, or the network before it, fails, and what comes of it. */
export const FAULTS: readonly (readonly [Fault, Outcome])[] = [
  [{ is: 'pass' }, 'verdicts'],
  [{ is: 'refused' }, 'outage'],
  [{ is: 'black-hole' }, 'outage'],
  ...(['reset', 'close'] as const).flatMap((is) => [
    ...(['accept', 'request', 'status', 'headers'] as const).map((at) => [{ is, at }, 'outage'] as const),
    // The status is the answer; what breaks behind it changes nothing.
    [{ is, at: 'body' }, 'verdicts'] as const
  ]),
  // Slower than the question's time, and not.
  [{ is: 'slow', everyMs: 50 }, 'outage'],
  [{ is: 'slow', everyMs: 1 }, 'verdicts'],
  [{ is: 'half-closed' }, 'outage'],
  [{ is: 'garbage' }, 'outage'],
  [{ is: 'endless-headers' }, 'outage'],
  // The proxy itself says 200, whatever the token.
  [{ is: 'endless-body' }, 'allows'],
  [{ is: 'wrong-length' }, 'verdicts'],
  [{ is: 'close-idle' }, 'verdicts'],
  [{ is: 'die-on-reuse' }, 'verdicts']
]

/** How a test calls a fault. */
export const nameOf = (fault: Fault): string => Object.values(fault).join(' ')
