// An app as many have it on node-media-server 2.x: `trans` has ffmpeg write HLS and DASH of every stream. With the
// plugin (the lines marked +) publishers and viewers need a token, and ./media is no longer open to everybody.
const NodeMediaServer = require('node-media-server')
const { httpAuth } = require('node-media-server-http-auth') // +

const { RTMP_PORT = 1935, HTTP_PORT = 8000, BACKEND_URL = 'http://127.0.0.1:6000', FFMPEG = '/usr/bin/ffmpeg' } = process.env

const config = {
  rtmp: { port: Number(RTMP_PORT), chunk_size: 60000, gop_cache: true, ping: 30, ping_timeout: 60 },
  // No API: without a password (`auth.api`) it lets anybody end streams and start relays.
  http: { port: Number(HTTP_PORT), mediaroot: './media', allow_origin: '*', api: false },
  trans: {
    ffmpeg: FFMPEG,
    tasks: [
      {
        app: 'live',
        hls: true,
        hlsFlags: '[hls_time=2:hls_list_size=3:hls_flags=delete_segments]',
        dash: true,
        dashFlags: '[f=dash:window_size=3:extra_window_size=5]'
      }
    ]
  },
  httpAuth: { url: BACKEND_URL, params: { action: '{action}' } } // +
}

const nms = new NodeMediaServer(config)
httpAuth(nms) // +
nms.run()
