/**
 * Flags of node-media-server 4.4's own command line, for a hint at the one that is meant. Another
 * version may know others, so a flag that is far from all of these is left to it.
 */
export const NMS_FLAGS = {
  config: { type: 'string', short: 'c' },
  bind: { type: 'string', short: 'b' },
  'rtmp-port': { type: 'string' },
  'rtmps-port': { type: 'string' },
  'http-port': { type: 'string' },
  'https-port': { type: 'string' },
  'data-path': { type: 'string' },
  'record-path': { type: 'string' },
  'record-auto': { type: 'boolean' },
  'notify-url': { type: 'string' },
  'auth-play': { type: 'boolean' },
  'auth-publish': { type: 'boolean' },
  'no-admin': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
} as const
