/**
 * How many sessions a user may have at once: `X-Max-Sessions`, which beats `X-Unique` where both are
 * there (a portal raises the one and leaves the other as it was); 0 is no limit. What is no number is as
 * if it were not there, and a fault that the operator should know of.
 */
export const userLimit = (maxSessions: string | undefined, unique: string | undefined): { readonly maxSessions?: number, readonly fault?: string } => {
  if (maxSessions !== undefined && /^(?:0|[1-9]\d{0,5})$/.test(maxSessions)) return { maxSessions: Number(maxSessions) }
  const only = unique !== undefined && /^(?:true|1)$/i.test(unique) ? { maxSessions: 1 } : {}
  return maxSessions === undefined ? only : { ...only, fault: `X-Max-Sessions: ${JSON.stringify(maxSessions.slice(0, 32))} is no number of sessions` }
}
