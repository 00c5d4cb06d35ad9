import type { Grants } from './grants.js'
import type { OwnClients } from './own-clients.js'
import type { NmsPackage } from './package.js'

/** Shared by everything in this room. */
export interface Setting {
  readonly nmsPackage: NmsPackage
  readonly grants: Grants
  readonly own: OwnClients
  /** Functions that hand running sessions back to NMS unchanged. */
  readonly undo: Set<() => void>
  /** Publishers being ended: NMS ends their HTTP players with them, which nobody asked for. */
  ending: number
}
