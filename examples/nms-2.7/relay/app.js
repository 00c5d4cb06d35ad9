// An app as many have it on node-media-server 2.x: `relay` brings streams in from elsewhere and sends them on. With the
// plugin (the lines marked +) publishers and viewers need a token, and the relays need none.
const path = require('path')
// node_core_utils of 2.7.4 lacks a function that its relay server calls at the start. This stands in for it, and has to
// come before node-media-server. The app's choice: the plugin itself changes nothing there.
require('node-media-server/src/node_core_utils').getFFmpegVersion ??= async () => '4.0'
const NodeMediaServer = require('node-media-server')
const { httpAuth } = require('node-media-server-http-auth') // +

const { RTMP_PORT = 1935, HTTP_PORT = 8000, BACKEND_URL = 'http://127.0.0.1:6000', FFMPEG = '/usr/bin/ffmpeg' } = process.env
const { OTHER_SERVER = 'rtmp://127.0.0.1:1936/live' } = process.env

const config = {
  rtmp: { port: Number(RTMP_PORT), chunk_size: 60000, gop_cache: true, ping: 30, ping_timeout: 60 },
  // No API: without a password (`auth.api`) it lets anybody end streams and start relays.
  http: { port: Number(HTTP_PORT), allow_origin: '*', api: false },
  relay: {
    ffmpeg: FFMPEG,
    tasks: [
      // A channel that is always there: from a file, a camera (rtsp://…) or another server (rtmp://…).
      { app: 'tv', name: 'film', mode: 'static', edge: path.join(__dirname, 'film.mp4') },
      // Whatever is published as /live/… is sent on to another server, with the publisher's own query.
      { app: 'live', mode: 'push', edge: OTHER_SERVER },
      // Whatever somebody plays as /far/… is fetched from there, with the viewer's own query.
      { app: 'far', mode: 'pull', edge: OTHER_SERVER }
    ]
  },
  httpAuth: { url: BACKEND_URL, params: { action: '{action}' } } // +
}

const nms = new NodeMediaServer(config)
httpAuth(nms) // +
nms.run()
