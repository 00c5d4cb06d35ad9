import { isMarked } from './common/attached.js'
import type { Dialect } from './dialect.js'
import type { AttachedHost, HostListener, HostRoom } from './host.js'
import { findLoaded, type LoadedPackage } from './package.js'
import { roomOf, unsupported } from './supported.js'
import { v2 } from './v2/room.js'
import { v4 } from './v4/room.js'

/** The rooms of all versions. */
const ROOMS: Readonly<Record<'v2' | 'v4', HostRoom>> = { v2, v4 }

/** @throws HttpAuthError ERR_HOST_UNSUPPORTED */
const hostRoomOf = (version: string): HostRoom => {
  const room = roomOf(version)
  if (room === undefined) throw unsupported(version)
  return ROOMS[room]
}

const found = (instance: unknown): { loaded: LoadedPackage, room: HostRoom } => {
  const loaded = findLoaded(instance)
  return { loaded, room: hostRoomOf(loaded.version) }
}

/**
 * Checks an instance. Nothing is touched until `install`.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED, ERR_ALREADY_ATTACHED
 */
export const attach = (instance: unknown, listener: HostListener): AttachedHost => {
  const { loaded, room } = found(instance)
  return room.attach(instance as object, loaded, listener)
}

/** Whether the NMS behind this instance is guarded now, by any copy of this package; `false` if it is not an NMS. */
export const isAttached = (instance: unknown): boolean => {
  try {
    const { loaded, room } = found(instance)
    return isMarked(room.stateOf(loaded))
  } catch {
    return false
  }
}

/**
 * The config of an instance, and its file if known.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED
 */
export const configOf = (instance: object): { readonly config: object, readonly configFile: string | undefined } => {
  const { loaded, room } = found(instance)
  return room.configOf(instance, loaded)
}

/**
 * The dialect of a node-media-server that runs with this config.
 *
 * @param installed - its version, and the folder of its package if known
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED if it could not be guarded
 */
export const dialectOf = ({ version, dir }: { readonly version: string, readonly dir?: string }, config: object): Dialect =>
  hostRoomOf(version).createDialect(config, dir)
