import type { AccessRequest } from './request.js'

/** By what one viewer of HLS and files is told from another; the query always counts. */
export type IdentityPart = 'query' | 'address' | 'userAgent'

/** What of a client's address and user agent tells it from others: empty where the operator's `files.identity` leaves it out. */
export const marksOf = ({ ip, userAgent, identity }: Pick<AccessRequest, 'ip' | 'userAgent'> & { readonly identity?: readonly IdentityPart[] | undefined }): { ip: string, userAgent: string } =>
  identity === undefined ? { ip, userAgent } : { ip: identity.includes('address') ? ip : '', userAgent: identity.includes('userAgent') ? userAgent : '' }
