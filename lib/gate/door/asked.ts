import type { AccessRequest } from '../../access/request.js'

/** An access request as a client made it; with a reason if it is malformed. */
export type Asked = { readonly asked: AccessRequest } | { readonly asked: AccessRequest, readonly malformed: string }

export const askedOr = (asked: AccessRequest, malformed: string | undefined): Asked =>
  malformed === undefined ? { asked } : { asked, malformed }
