// Placeholder while the room is being written.
import { Pool } from 'undici'
import type { Authorize } from '../access/authorize.js'
import type { BackendSettings } from '../access/settings.js'
import { BackendUnavailable } from '../errors.js'

export interface Backend { readonly authorize: Authorize, close(): Promise<void> }

export const createBackend = (settings: BackendSettings): Backend => {
  const url = new URL(settings.urls[0] ?? '')
  const pool = new Pool(url.origin, { connections: settings.maxConnections })
  return {
    async authorize(request) {
      try {
        const { statusCode, body } = await pool.request({
          method: 'GET', path: `${url.pathname}?${request.query}`, headersTimeout: settings.timeoutMs,
          headers: { 'X-Session-Id': request.sessionId, 'X-Real-Ip': request.ip, 'X-Real-Path': request.path, 'X-Real-Origin': request.origin, 'X-Real-Ua': request.userAgent }
        })
        await body.dump()
        return { allowed: statusCode === 200, source: 'backend', reason: `backend said ${statusCode}`, status: statusCode }
      } catch (cause) {
        throw new BackendUnavailable('unavailable', { cause })
      }
    },
    close: () => pool.close()
  }
}
