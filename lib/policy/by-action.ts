import type { Authorize } from '../access/authorize.js'
import type { Action } from '../access/request.js'

/** Sends players and publishers to steps of their own. */
export const byAction = (steps: Readonly<Record<Action, Authorize>>): Authorize =>
  (request, signal) => steps[request.action](request, signal)
