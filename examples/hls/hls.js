// Live HLS behind the same door: what is published over RTMP is written by ffmpeg as HLS below the static route, and
// a page plays it, and the same stream over HTTP-FLV. The small backend lets in who has the token 123.
//
// HOST=0.0.0.0 opens it to the network; RTMP_PORT, HTTP_PORT and BACKEND_PORT move it elsewhere.
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import NodeMediaServer from 'node-media-server'
import { httpAuth } from 'node-media-server-http-auth'
import { tokenBackend } from '../../dist/command/backend.js'
import { SOURCE } from './entrance.js'
import { createPackager } from './packager.js'

const { HOST = '127.0.0.1', RTMP_PORT = 1935, HTTP_PORT = 8000, BACKEND_PORT = 6000 } = process.env
// Where this machine reaches the server that listens on HOST.
const local = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST
const require = createRequire(import.meta.url)

// All that is served below /static, and what node-media-server stores: thrown away at the end.
const folder = mkdtempSync(join(tmpdir(), 'nms-http-auth-hls-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const root = join(folder, 'static')
cpSync(fileURLToPath(new URL('page', import.meta.url)), root, { recursive: true })
copyFileSync(require.resolve('hls.js/dist/hls.min.js'), join(root, 'hls.min.js'))
copyFileSync(require.resolve('mpegts.js/dist/mpegts.js'), join(root, 'mpegts.js'))

const backend = createServer(tokenBackend({ token: '123' }))
backend.listen(Number(BACKEND_PORT), '127.0.0.1')
await once(backend, 'listening')
const { port: backendPort } = backend.address()

const nms = new NodeMediaServer({
  bind: HOST,
  rtmp: { port: Number(RTMP_PORT) },
  http: { port: Number(HTTP_PORT) },
  static: { router: '/static', root },
  store: { path: join(folder, 'store') },
  httpAuth: {
    url: `http://127.0.0.1:${backendPort}`,
    params: { action: '{action}' },
    log: 'verdicts',
    // The packager's own pull. Not 127.0.0.1: viewers have that address, too, once a proxy runs on this machine.
    rules: [{ ip: SOURCE, for: 'play', protocol: 'rtmp', verdict: 'allow' }]
  }
})
httpAuth(nms)

const packager = createPackager({ root, server: { host: local, port: Number(RTMP_PORT) } })
nms.on('postPublish', ({ streamPath }) => packager.start(streamPath))
nms.on('donePublish', ({ streamPath }) => packager.stop(streamPath))

process.prependOnceListener('exit', () => packager.kill())

const up = [once(nms.rtmpServer.tcpServer, 'listening'), once(nms.httpServer.httpServer, 'listening')]
await nms.run()
await Promise.all(up)

// The store has put its own handlers there, which end the process before anybody else has cleaned up.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.removeAllListeners(signal)
  process.once(signal, async () => {
    await packager.close()
    await nms.stop()
    process.exit(0)
  })
}

// To see an outage: a line with `b` stops the backend, another starts it again.
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.trim() !== 'b') return
  if (backend.listening) {
    backend.close()
    backend.closeAllConnections()
    console.log('The backend is stopped: newcomers are told to try again. Type b and Enter to start it.')
  } else {
    backend.listen(backendPort, '127.0.0.1', () => console.log('The backend answers again.'))
  }
})

console.log(`
Publish, and leave it running:
  ffmpeg -hide_banner -re -f lavfi -i testsrc2=size=640x360:rate=30 -f lavfi -i sine=frequency=440 -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -c:a aac -f flv 'rtmp://${local}:${RTMP_PORT}/live/s?token=123'

Watch it, and see what another token does:
  http://${local}:${HTTP_PORT}/static/?token=123
  http://${local}:${HTTP_PORT}/static/?token=wrong

See an outage, with a page that is opened or reloaded meanwhile: type b and Enter here, and once more to end it.

Ctrl-C ends it.
`)
