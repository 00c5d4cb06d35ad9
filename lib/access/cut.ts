/**
 * Why a connection was ended before it could be decided: it sent no command in time (`timeout`), nothing
 * that can be read (`malformed`), or too much (`overflow`); a limit on who may wait was reached (`limit`);
 * or a trusted proxy sent no PROXY header (`proxy`).
 */
export type CutReason = 'timeout' | 'malformed' | 'overflow' | 'limit' | 'proxy'
