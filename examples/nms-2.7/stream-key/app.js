// An app as many have it on node-media-server 2.x: `prePublish` looks the stream key up and gives the stream its
// public name. With the plugin (the lines marked +) viewers need a token as well.
const NodeMediaServer = require('node-media-server')
const { httpAuth } = require('node-media-server-http-auth') // +

const { RTMP_PORT = 1935, HTTP_PORT = 8000, BACKEND_URL = 'http://127.0.0.1:6000' } = process.env

// Stream keys, and whose they are. A real app asks its database.
const owners = new Map([['key-7f3a', 'anna'], ['key-c29e', 'ben']])

const config = {
  rtmp: { port: Number(RTMP_PORT), chunk_size: 60000, gop_cache: true, ping: 30, ping_timeout: 60 },
  // No API: without a password (`auth.api`) it lets anybody end streams and start relays.
  http: { port: Number(HTTP_PORT), allow_origin: '*', api: false },
  // Only viewers are checked with the backend: the listener below decides about publishers.
  httpAuth: { url: BACKEND_URL, actions: ['play'] } // +
}

const nms = new NodeMediaServer(config)
httpAuth(nms) // +

nms.on('prePublish', (id, streamPath) => {
  const session = nms.getSession(id)
  const [, app, key] = streamPath.split('/')
  const owner = owners.get(key)
  if (app !== 'live' || owner === undefined) return session.reject()
  session.publishStreamPath = `/live/${owner}`
})

nms.run()
