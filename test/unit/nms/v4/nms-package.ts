import { createRequire } from 'node:module'
import sinon from 'sinon'
import { findPackage, type NmsPackage } from '../../../../lib/nms/v4/package.js'
import type { NmsInstance } from '../../../../lib/nms/v4/shapes.js'

const NodeMediaServer = createRequire(import.meta.url)('node-media-server') as new (config: object) => NmsInstance

/** A real instance that is never run, and the package that made it; NMS prints its version meanwhile. */
export const construct = (config: object = {}): { nms: NmsInstance, found: NmsPackage } => {
  const quiet = sinon.stub(console, 'log')
  try {
    const nms = new NodeMediaServer(config)
    return { nms, found: findPackage(nms) }
  } finally {
    quiet.restore()
  }
}
