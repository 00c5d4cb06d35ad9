// Two media servers that count as one: nginx shares viewers out to them, and Redis holds what they share. The stand-in
// for the portal allows each user one device. Needs ffmpeg, nginx and redis-server (npm run setup).
//
// HTTP_PORT moves the address that viewers see, BACKEND_PORT that of the portal.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPortal } from '../ministra/portal.js'
import { nginxConfig } from './nginx.js'

const SERVERS = 2
const publicPort = Number(process.env.HTTP_PORT ?? 8080)
const portalPort = Number(process.env.BACKEND_PORT ?? 6000)

const dir = mkdtempSync(join(tmpdir(), 'nms-http-auth-fleet-'))
const media = join(dir, 'media')
const children = []

const end = (status) => {
  for (const child of children) child.kill('SIGTERM')
  // ffmpeg may still be writing there.
  setTimeout(() => {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    process.exit(status)
  }, 500)
}
const keep = (child, name) => {
  children.push(child)
  child.once('error', ({ code }) => {
    console.error(`fleet: ${code === 'ENOENT' ? `${name} is not in PATH: npm run setup` : `${name}: ${code}`}`)
    end(1)
  })
  return child
}
const run = (name, args) => keep(spawn(name, args, {
  stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
}), name)

const freePort = async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}
const listens = async (port) => {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const is = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
    socket.destroy()
    if (is) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end(0))

const portal = createPortal({ maxSessions: 1 })
portal.server.listen(portalPort, '127.0.0.1')
await once(portal.server, 'listening')
const portalUrl = `http://127.0.0.1:${portalPort}`

const redisPort = await freePort()
run('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--logfile', 'redis.log', '--dir', dir])
await listens(redisPort)

// Both servers have the same files, as from a disk that they share. The stream has a rendition in a folder of its own.
mkdirSync(join(media, 'live/s/hd'), { recursive: true })
writeFileSync(join(media, 'live/s/index.m3u8'), '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=300000\nhd/index.m3u8\n')
run('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=10',
  '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-f', 'hls', '-hls_time', '1', '-hls_list_size', '6', '-hls_flags', 'delete_segments+temp_file',
  join(media, 'live/s/hd/index.m3u8')])

const ports = []
for (let n = 0; n < SERVERS; n++) {
  const port = await freePort()
  const config = {
    bind: '127.0.0.1',
    http: { port },
    static: { router: '/static', root: media },
    store: { path: join(dir, `store-${n}`) },
    httpAuth: {
      preset: 'ministra',
      url: portalUrl,
      // nginx stands before the servers, so the viewer's address is what it says.
      trustProxy: ['127.0.0.1'],
      store: { url: `redis://127.0.0.1:${redisPort}` },
      log: 'verdicts'
    }
  }
  keep(fork(new URL('server.js', import.meta.url), [JSON.stringify(config)]), 'node')
  ports.push(port)
}
await Promise.all(ports.map(listens))

writeFileSync(join(dir, 'nginx.conf'), nginxConfig({ dir, port: publicPort, servers: ports }))
run('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf')])
await listens(publicPort)

const link = `http://127.0.0.1:${publicPort}/static/live/s/index.m3u8`
console.log(`
${SERVERS} servers on ${ports.join(' and ')} behind nginx on ${publicPort}, Redis on ${redisPort}, the portal on ${portalPort}.

Play it; a fresh token is good for five seconds, its session goes on:
  ffplay "${link}?$(curl -s ${portalUrl}/new-token)"

Play it once more meanwhile, as another device: the first one ends, whichever server it was on.
  ffplay -user_agent "another device" "${link}?$(curl -s ${portalUrl}/new-token)"

Ctrl-C ends it`)
