import { HttpAuthError } from '../../errors.js'
import { findLoaded, type LoadedPackage } from '../package.js'
import type { NmsContext } from './shapes.js'

/** A loaded copy of version 4 with its state. */
export interface NmsPackage extends LoadedPackage {
  readonly context: NmsContext
}

/**
 * Finds the copy of node-media-server that created an instance.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED if it is not a node-media-server
 */
export const findPackage = (nms: unknown): NmsPackage => openPackage(findLoaded(nms))

/** @throws HttpAuthError ERR_HOST_UNSUPPORTED if its layout is not that of version 4 */
export const openPackage = (loaded: LoadedPackage): NmsPackage => {
  try {
    return { ...loaded, context: loaded.load('core/context.js') as NmsContext }
  } catch (cause) {
    throw new HttpAuthError('ERR_HOST_UNSUPPORTED',
      `this node-media-server ${loaded.version} is not laid out as version 4 is: its src/core/context.js cannot be loaded`, { cause })
  }
}
