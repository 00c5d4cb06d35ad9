/**
 * Why a connection was cut without a verdict: no command in time (`timeout`), unreadable bytes
 * (`malformed`), too many bytes (`overflow`), too many waiting clients (`limit`), or a trusted proxy
 * without a PROXY header (`proxy`).
 */
export type CutReason = 'timeout' | 'malformed' | 'overflow' | 'limit' | 'proxy'
