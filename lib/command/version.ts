import { findInstalled } from '../nms/installed.js'
import { VERSION } from '../version.js'

/** The versions to name in a bug report. */
export const versionText = (): string =>
  `node-media-server-http-auth ${VERSION}\nnode-media-server ${findInstalled()?.version ?? 'is not installed'}\nNode.js ${process.version}\n`
