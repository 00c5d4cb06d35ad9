import type { Authorize } from '../access/authorize.js'
import type { Action } from '../access/request.js'

/** Routes players and publishers to their own steps. */
export const byAction = (steps: Readonly<Record<Action, Authorize>>): Authorize =>
  (request, signal) => steps[request.action](request, signal)
