/**
 * How many sessions a user may have at once: `X-Max-Sessions`, which takes precedence over `X-Unique` (a portal raises the
 * former and leaves the latter as it was); 0 is no limit. Anything but a number is ignored and reported as a fault.
 */
export const userLimit = (maxSessions: string | undefined, unique: string | undefined): { readonly maxSessions?: number, readonly fault?: string } => {
  if (maxSessions !== undefined && /^(?:0|[1-9]\d{0,5})$/.test(maxSessions)) return { maxSessions: Number(maxSessions) }
  const only = unique !== undefined && /^(?:true|1)$/i.test(unique) ? { maxSessions: 1 } : {}
  return maxSessions === undefined ? only : { ...only, fault: `X-Max-Sessions: ${JSON.stringify(maxSessions.slice(0, 32))} is no number of sessions` }
}
