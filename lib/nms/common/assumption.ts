import { HttpAuthError } from '../../errors.js'
import { roomOf, unsupported } from '../supported.js'

/** Something a room relies on inside node-media-server: checked at attach, and broken by a test. */
export interface Assumption<Instance, Package> {
  readonly name: string
  readonly reliedOnBy: string
  readonly holds: (nms: Instance, nmsPackage: Package) => boolean
}

export const isFunction = (value: unknown): boolean => typeof value === 'function'
export const isMap = (value: unknown): boolean => value instanceof Map
export const hasFunctions = (value: object, ...names: string[]): boolean => names.every((name) => isFunction((value as Record<string, unknown>)[name]))
/** Whether no instance property hides these methods of the class. */
export const isUntouched = (value: object, ...names: string[]): boolean => names.every((name) => !Object.hasOwn(value, name))

/**
 * Checks a room's assumptions.
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED with the version that is needed, or naming the first that does not hold
 */
export const checkAll = <Instance, Package extends { readonly version: string }>(
  room: ReturnType<typeof roomOf>, nms: Instance, nmsPackage: Package, assumptions: readonly Assumption<Instance, Package>[]
): void => {
  if (roomOf(nmsPackage.version) !== room) throw unsupported(nmsPackage.version)
  for (const { name, reliedOnBy, holds } of assumptions) {
    let held = false
    try {
      held = holds(nms, nmsPackage)
    } catch { /* a missing field on the way is an answer, too */ }
    if (!held) {
      throw new HttpAuthError('ERR_HOST_UNSUPPORTED',
        `node-media-server ${nmsPackage.version} cannot be guarded: its internals have changed (${reliedOnBy} relies on: ${name})`)
    }
  }
}
