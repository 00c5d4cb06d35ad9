import type { AccessRequest } from '../../access/request.js'

/** An access request as a client made it, and why no stream can be meant by it where that is so. */
export type Asked = { readonly asked: AccessRequest } | { readonly asked: AccessRequest, readonly malformed: string }

/** Puts the two together. */
export const askedOr = (asked: AccessRequest, malformed: string | undefined): Asked =>
  malformed === undefined ? { asked } : { asked, malformed }
