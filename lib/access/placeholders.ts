/**
 * The placeholders of `params`. `requestType` is `new_session`, or `update_session` in re-checks;
 * `requestNumber` counts a session's requests from 0; `proto` is Flussonic's word for the protocol.
 */
export const PLACEHOLDERS = ['app', 'stream', 'path', 'ip', 'action', 'protocol', 'proto', 'sessionId', 'requestType', 'requestNumber'] as const

export type Placeholder = typeof PLACEHOLDERS[number]
