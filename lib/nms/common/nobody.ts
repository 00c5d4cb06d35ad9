import type { RtmpListener } from '../host.js'

/** The listener of an RTMP connection without a gate. */
export const NOBODY: RtmpListener = { command: () => undefined, own: () => undefined, playEnded: () => undefined, closed: () => undefined, released: () => undefined }
