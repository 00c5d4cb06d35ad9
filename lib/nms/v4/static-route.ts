import { resolve } from 'node:path'
import { HttpAuthError } from '../../errors.js'
import type { StaticRoute } from '../dialect.js'

/**
 * The static route of NMS's config section `static`, as NMS decides whether there is one. A mount
 * that Express takes for a pattern could not be told from other paths.
 *
 * @throws HttpAuthError ERR_HOST_UNSUPPORTED if it cannot be guarded
 */
export const staticRouteOf = (section: { readonly router?: unknown, readonly root?: unknown } | null | undefined): StaticRoute | undefined => {
  const { router, root } = section ?? {}
  if (!router || typeof root !== 'string' || root === '') return undefined
  if (typeof router !== 'string' || !/^\/[\w./~-]*$/.test(router)) {
    throw new HttpAuthError('ERR_HOST_UNSUPPORTED', `static.router of node-media-server must be a plain path such as "/static", for the files below it to be guarded; it is ${JSON.stringify(router)}`)
  }
  return { router, root: resolve(root) }
}
