/**
 * Flags of node-media-server 4.4's own command line, used to suggest the one that was meant. Other versions may have
 * other flags, so one that resembles none of these is passed on to NMS.
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
