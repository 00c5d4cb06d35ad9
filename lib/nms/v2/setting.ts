import type { Grants } from './grants.js'
import type { OwnClients } from './own-clients.js'
import type { NmsPackage } from './package.js'

/** What everything in this room has around it. */
export interface Setting {
  readonly nmsPackage: NmsPackage
  readonly grants: Grants
  readonly own: OwnClients
  /** Gets functions that give running sessions back to NMS as they were. */
  readonly undo: Set<() => void>
  /** Publishers that are ending: NMS ends their HTTP players with them, which is nobody's wish. */
  ending: number
}
