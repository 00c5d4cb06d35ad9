/**
 * What `{…}` in a value of `params` may name. `requestType` is `new_session`, or `update_session` when a session
 * that runs is asked about again, which `requestNumber` counts from 0; `proto` is the protocol in Flussonic's words.
 */
export const PLACEHOLDERS = ['app', 'stream', 'path', 'ip', 'action', 'protocol', 'proto', 'sessionId', 'requestType', 'requestNumber'] as const

export type Placeholder = typeof PLACEHOLDERS[number]
