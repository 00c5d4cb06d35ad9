import { HttpAuthError } from '../errors.js'

/** Versions that were tested, as npm writes ranges; a test compares it with package.json. */
export const SUPPORTED = '^4.3.2 || 2.7.4'

/** What is taken for granted where no node-media-server is installed. */
export const NEWEST = '4.4.3'

/** Which room of `nms/` knows a version; `undefined` if none does. */
export const roomOf = (version: string): 'v4' | 'v2' | undefined => {
  if (version === '2.7.4') return 'v2'
  const [major, minor = 0, patch = 0] = version.split(/[.+-]/, 3).map(Number)
  return major === 4 && (minor > 3 || (minor === 3 && patch >= 2)) ? 'v4' : undefined
}

/** The one sentence for every other version: what is needed, and how to get it. */
export const unsupported = (version: string): HttpAuthError => new HttpAuthError('ERR_HOST_UNSUPPORTED',
  `node-media-server ${version} is not supported (needs ${SUPPORTED.replace('||', 'or')}). Run: npm install node-media-server@${version.startsWith('2.') ? '2.7.4' : '4'}`)
