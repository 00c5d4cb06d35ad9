// The whole program: a node-media-server whose every client is asked for. Needs a backend on port 6000, for
// example: npx node-media-server-http-auth backend
import NodeMediaServer from 'node-media-server'
import { httpAuth } from 'node-media-server-http-auth'

const { RTMP_PORT = 1935, HTTP_PORT = 8000, BACKEND_URL = 'http://127.0.0.1:6000' } = process.env

const nms = new NodeMediaServer({
  rtmp: { port: Number(RTMP_PORT) },
  http: { port: Number(HTTP_PORT) },
  httpAuth: { url: BACKEND_URL, params: { action: '{action}' }, log: 'outages' }
})
const auth = httpAuth(nms)
nms.run()

// Who was let in, who was not, and why; log: 'verdicts' would print the same.
auth.on('verdict', ({ action, streamPath, ip }, { allowed, source, reason }) => {
  console.log(allowed ? 'allowed' : 'denied', action, streamPath, ip, source, reason)
})
