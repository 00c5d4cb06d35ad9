import type { AccessRequest } from './request.js'

/** What tells one viewer of HLS and files from another; the query always counts. */
export type IdentityPart = 'query' | 'address' | 'userAgent'

/** A client's address and user agent as far as they identify it; empty if `files.identity` excludes them. */
export const marksOf = ({ ip, userAgent, identity }: Pick<AccessRequest, 'ip' | 'userAgent'> & { readonly identity?: readonly IdentityPart[] | undefined }): { ip: string, userAgent: string } =>
  identity === undefined ? { ip, userAgent } : { ip: identity.includes('address') ? ip : '', userAgent: identity.includes('userAgent') ? userAgent : '' }
