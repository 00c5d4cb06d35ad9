// The same for programs that use require(). Node 20.19 and later can require() this package.
const NodeMediaServer = require('node-media-server')
const { httpAuth } = require('node-media-server-http-auth')

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
