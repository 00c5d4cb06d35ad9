import { createRequire } from 'node:module'
import { VERSION } from '../version.js'
import { findMain } from '../nms/v4/command-line.js'

/** The versions that a report about a problem needs. */
export const versionText = (): string => {
  const main = findMain()
  const nms = main === undefined ? 'is not installed' : (createRequire(main)('../package.json') as { version: string }).version
  return `node-media-server-http-auth ${VERSION}\nnode-media-server ${nms}\nNode.js ${process.version}\n`
}
