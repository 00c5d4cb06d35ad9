import { HttpAuthError } from '../errors.js'

/** Tested versions, as an npm range; a test compares it with package.json. */
export const SUPPORTED = '^4.3.2 || 2.7.4'

/** The version assumed if no node-media-server is installed. */
export const NEWEST = '4.4.3'

/** The room of `nms/` for a version; `undefined` if there is none. */
export const roomOf = (version: string): 'v4' | 'v2' | undefined => {
  if (version === '2.7.4') return 'v2'
  const [major, minor = 0, patch = 0] = version.split(/[.+-]/, 3).map(Number)
  return major === 4 && (minor > 3 || (minor === 3 && patch >= 2)) ? 'v4' : undefined
}

/** The error for every other version: what is needed, and the command to get it. */
export const unsupported = (version: string): HttpAuthError => new HttpAuthError('ERR_HOST_UNSUPPORTED',
  `node-media-server ${version} is not supported (needs ${SUPPORTED.replace('||', 'or')}). Run: npm install node-media-server@${version.startsWith('2.') ? '2.7.4' : '4'}`)
