import type { Verdict } from '../access/verdict.js'

/** A stable name for the cause of a verdict: `backend-allow`, `backend-deny`, `backend-fault`, `rule-deny`, … */
export const reasonCode = ({ source, allowed, fault }: Verdict): string =>
  `${source}-${allowed ? 'allow' : fault === undefined ? 'deny' : 'fault'}`
