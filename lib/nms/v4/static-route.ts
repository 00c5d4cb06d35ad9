import { resolve } from 'node:path'
import { HttpAuthError } from '../../errors.js'
import type { StaticRoute } from '../dialect.js'

/**
 * The static route from NMS's config section `static`; `undefined` where NMS would not create one. A mount path that
 * Express treats as a pattern is rejected, because it could not be told from other paths.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED if it cannot be guarded
 */
export const staticRouteOf = (section: { readonly router?: unknown, readonly root?: unknown } | null | undefined): StaticRoute | undefined => {
  const { router, root } = section ?? {}
  if (!router || typeof root !== 'string' || root === '') return undefined
  if (typeof router !== 'string' || !/^\/[\w./~-]*$/.test(router)) {
    throw new HttpAuthError('ERR_HOST_UNSUPPORTED', `static.router of node-media-server must be a plain path such as "/static", so that its files can be guarded; it is ${JSON.stringify(router)}`)
  }
  return { router, root: resolve(root) }
}
