import { HttpAuthError } from '../../errors.js'
import type { LoadedPackage } from '../package.js'
import type { NmsContext, NmsFlvSession, NmsRtmpSession, NmsTask } from './shapes.js'

interface Class<T> { readonly prototype: T }

/** A loaded copy of version 2 with its state, and the classes whose methods stand between a client and a stream. */
export interface NmsPackage extends LoadedPackage {
  readonly context: NmsContext
  readonly rtmp: Class<NmsRtmpSession>
  readonly flv: Class<NmsFlvSession>
  /** The classes that run NMS's own ffmpeg processes. */
  readonly tasks: readonly Class<NmsTask>[]
}

/** @throws HttpAuthError ERR_HOST_UNSUPPORTED if its layout is not that of version 2 */
export const openPackage = (loaded: LoadedPackage): NmsPackage => {
  try {
    const { load } = loaded
    return {
      ...loaded,
      context: load('node_core_ctx.js') as NmsContext,
      rtmp: load('node_rtmp_session.js') as Class<NmsRtmpSession>,
      flv: load('node_flv_session.js') as Class<NmsFlvSession>,
      tasks: ['trans', 'relay', 'fission'].map((name) => load(`node_${name}_session.js`) as Class<NmsTask>)
    }
  } catch (cause) {
    throw new HttpAuthError('ERR_HOST_UNSUPPORTED',
      `this node-media-server ${loaded.version} is not laid out as version 2.7 is: a module of its src cannot be loaded`, { cause })
  }
}
