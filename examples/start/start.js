// What `npm start` runs: a node-media-server with the plugin, and the small backend that lets in who has the
// token 123. Once all is up it prints the lines to publish, to play and to be refused with.
//
// HOST=0.0.0.0 opens it to the network; RTMP_PORT, HTTP_PORT and BACKEND_PORT move it elsewhere.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import NodeMediaServer from 'node-media-server'
import { httpAuth } from 'node-media-server-http-auth'
import { tokenBackend } from '../../dist/command/backend.js'
import { instructions } from './instructions.js'

const TOKEN = '123'

const give = (message) => {
  console.error(`start: ${message}`)
  process.exit(1)
}

const portOf = (name, fallback) => {
  const port = Number(process.env[name] ?? fallback)
  if (!Number.isInteger(port) || port < 1 || port > 65535) give(`${name} must be a port from 1 to 65535, got ${process.env[name]}`)
  return port
}

/** Why a port cannot be listened on, or nothing. */
const troubleWith = async (host, port) => {
  const probe = createTcpServer()
  try {
    probe.listen(port, host)
    await once(probe, 'listening')
    probe.close()
    await once(probe, 'close')
    return undefined
  } catch ({ code, message }) {
    if (code === 'EADDRINUSE') return 'is in use: end what listens there, or choose another'
    if (code === 'EACCES') return 'may not be used by this user: choose one above 1023'
    return `cannot be used (${message}): choose another`
  }
}

const host = process.env.HOST ?? '127.0.0.1'
const rtmp = portOf('RTMP_PORT', 1935)
const http = portOf('HTTP_PORT', 8000)
const asked = portOf('BACKEND_PORT', 6000)

const wanted = [['RTMP_PORT', host, rtmp], ['HTTP_PORT', host, http], ['BACKEND_PORT', '127.0.0.1', asked]]
const troubles = []
for (const [name, address, port] of wanted) {
  const trouble = await troubleWith(address, port)
  if (trouble !== undefined) troubles.push(`port ${port} of ${address} ${trouble}, as in: ${name}=${port + 10000 > 65535 ? port - 10000 : port + 10000} npm start`)
}
if (troubles.length > 0) give(troubles.join('\nstart: '))

const backend = createServer(tokenBackend({ token: TOKEN }))
backend.listen(asked, '127.0.0.1')
await once(backend, 'listening')

// node-media-server keeps a store; this one is thrown away at the end.
const store = mkdtempSync(join(tmpdir(), 'nms-http-auth-start-'))
const nms = new NodeMediaServer({
  bind: host,
  rtmp: { port: rtmp },
  http: { port: http },
  store: { path: store },
  httpAuth: { url: `http://127.0.0.1:${asked}`, params: { action: '{action}' }, log: 'verdicts' }
})
httpAuth(nms)

process.once('exit', () => rmSync(store, { recursive: true, force: true }))

const up = [once(nms.rtmpServer.tcpServer, 'listening'), once(nms.httpServer.httpServer, 'listening')]
await nms.run()
await Promise.all(up)

// The store has put its own handlers there, which end the process before anybody else has cleaned up.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.removeAllListeners(signal)
  process.once(signal, async () => {
    await nms.stop()
    process.exit(0)
  })
}

console.log(instructions({ host: host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host, rtmp, http, asked, token: TOKEN, open: host !== '127.0.0.1' }))
