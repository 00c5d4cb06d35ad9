import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Closable } from '../support/cleanup.js'
import { openClient, SPEECHES, type Speech } from '../support/clients.js'
import { CARRIERS, fileClient } from '../support/file-clients.js'
import { MOUNT } from '../support/hosts.js'
import { keepPublishing } from '../support/media.js'
import { nginxModule } from '../support/nginx-module.js'
import { binaryHeader, headerProxy, padding, textHeader } from '../support/proxy-header.js'
import type { Ports } from '../support/server.js'
import { freePort, listens, spawn, tool, type Running } from '../support/tools.js'
import { until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const CLIENT = '203.0.113.7'
const RULED_OUT = '203.0.113.66'
const STRANGER = '127.0.0.2'

describe('proxyProtocol', function () {
  let asked = 0
  const { backend, server, keep, last } = withServer({
    answer: { status: 200 },
    options: { log: 'verdicts', trustProxy: ['127.0.0.1'], proxyProtocol: true, maxHeldPerIp: 3, rules: [{ ip: RULED_OUT, verdict: 'deny' }] },
    files: { 'live/s/index.m3u8': '#EXTM3U\n' }
  })

  // Without it an HTTP player is not always told anything.
  before(async () => {
    const publisher = last(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: '/live/s', from: STRANGER }))
    expect(await publisher.told).to.equal('yes')
    last(keepPublishing(publisher))
  })

  const through = async (header: Buffer, options: Parameters<typeof headerProxy>[2] = {}): Promise<Ports> => {
    const behind = async (port: number): Promise<number> => keep(await headerProxy(port, header, options)).port
    const { rtmp, rtmps, http, https } = server.ports
    return { rtmp: await behind(rtmp), rtmps: await behind(rtmps), http: await behind(http), https: await behind(https) }
  }
  /** Plays through these ports, and says who the backend and NMS took the client for. */
  const seenAs = async (ports: Ports, speech: Speech): Promise<{ told: string, ip?: unknown, nms?: string }> => {
    const query = `case=${asked += 1}`
    const client = keep(await openClient({ ports, speech, action: 'play', streamPath: '/live/s', query }))
    const told = await client.told
    if (told !== 'yes') return { told }
    const { headers } = await backend.waitFor(query)
    const { ip } = await server.waitForEvent({ event: 'prePlay', id: String(headers['x-session-id']) })
    return { told, ip: headers['x-real-ip'], nms: ip }
  }

  for (const speech of SPEECHES) {
    for (const [what, header, address, options] of [
      ['version 1', textHeader(CLIENT), CLIENT, {}], ['version 1 in single bytes', textHeader('2001:db8::7'), '2001:db8::7', { split: true }],
      ['version 2', binaryHeader(CLIENT), CLIENT, {}], ['version 2 in single bytes', binaryHeader('2001:db8::7', { tlvs: padding(60) }), '2001:db8::7', { split: true }],
      ['version 2 with TLVs', binaryHeader(CLIENT, { tlvs: padding(3000) }), CLIENT, {}]
    ] as const) {
      it(`gives a client of ${speech} the address of the header (${what})`, async () => {
        expect(await seenAs(await through(header, options), speech)).to.deep.equal({ told: 'yes', ip: address, nms: `${address}:50000` })
      })
    }

    it(`leaves a client of ${speech} the proxy's address where the header says none`, async () => {
      for (const header of [Buffer.from('PROXY UNKNOWN\r\n'), binaryHeader(CLIENT, { command: 0 })]) {
        const { told, ip, nms = '' } = await seenAs(await through(header), speech)
        expect([told, ip]).to.deep.equal(['yes', '127.0.0.1'])
        expect(nms).to.match(/^(?:::ffff:)?127\.0\.0\.1:\d+$/)
      }
    })

    it(`decides by the address of the header what rules say (${speech})`, async () => {
      expect(await seenAs(await through(textHeader(RULED_OUT)), speech)).to.deep.equal({ told: 'no' })
    })

    it(`takes nobody else's header for one (${speech})`, async () => {
      const query = `case=${asked += 1}`
      const client = await openClient({ ports: await through(textHeader(CLIENT), { from: STRANGER }), speech, action: 'play', streamPath: '/live/s', query }).catch(() => undefined)
      if (client !== undefined) await until(() => client.closedAt() > 0 || keep(client).answer() === 400, 'an end')
      expect(backend.about(query)).to.deep.equal([])
      const { rtmp, rtmps, http, https } = server.ports
      const direct = keep(await openClient({ ports: { rtmp, rtmps, http, https }, speech, action: 'play', streamPath: '/live/s', query: `${query}&direct`, from: STRANGER }))
      expect(await direct.told).to.equal('yes')
      expect((await backend.waitFor(`${query}&direct`)).headers['x-real-ip']).to.equal(STRANGER)
    })
  }

  for (const over of CARRIERS) {
    it(`gives a viewer of HLS over ${over} the address of the header`, async () => {
      const query = `case=${asked += 1}`
      const { status } = await keep(fileClient(await through(binaryHeader(CLIENT)), { over })).get(`${MOUNT}/live/s/index.m3u8?${query}`)
      expect(status).to.equal(200)
      expect((await backend.waitFor(query)).headers['x-real-ip']).to.equal(CLIENT)
    })
  }

  it('believes no forwarding header of a client that comes through', async () => {
    const query = `case=${asked += 1}`
    await keep(fileClient(await through(textHeader(CLIENT)), { headers: { 'x-forwarded-for': '198.51.100.9' } })).get(`${MOUNT}/live/s/index.m3u8?${query}`)
    expect((await backend.waitFor(query)).headers['x-real-ip']).to.equal(CLIENT)
  })

  it('counts who waits by the address of the header', async () => {
    const [one, other] = [await through(textHeader('203.0.113.8')), await through(textHeader('203.0.113.9'))]
    backend.answer({ hold: true })
    try {
      const query = `case=${asked += 1}`
      const ask = async (ports: Ports) => keep(await openClient({ ports, speech: 'http-flv', action: 'play', streamPath: '/live/s', query }))
      for (let held = 0; held < 3; held++) await ask(one)
      await until(() => backend.about(query).length === 3, 'three are held')
      expect(await (await ask(one)).told).to.equal('no')
      await ask(other)
      await until(() => backend.about(query).length === 4, 'another is held')
      backend.release({ status: 200 })
    } finally {
      backend.answer({ status: 200 })
    }
  })

  for (const [what, header] of [['no header', Buffer.alloc(0)], ['half a header, and leaves', textHeader(CLIENT).subarray(0, 20)], ['a header that cannot be read', Buffer.from('PROXY TCP4 x y z\r\n')]] as const) {
    it(`cuts a trusted proxy that sends ${what}, and says so`, async () => {
      const before = await server.evaluate(({ auth }) => auth?.stats().cuts.proxy ?? 0)
      for (const port of Object.values<number>({ ...await through(header) })) {
        const query = `case=${asked += 1}`
        const client = await openClient({ ports: { rtmp: port, rtmps: port, http: port, https: port }, speech: header.length === 20 ? 'http-flv' : 'rtmp', action: 'play', streamPath: '/live/s', query }).catch(() => undefined)
        if (header.length === 20) await client?.close()
        else await client?.closed
        expect(backend.about(query)).to.deep.equal([])
      }
      await server.waitFor(({ auth }, count: number) => (auth?.stats().cuts.proxy ?? 0) === count + 4, before)
      await until(() => /cut a connection: its proxy sent no PROXY header ip=127\.0\.0\.1/.test(server.log()), 'the line')
    })
  }

  describe('before a program of Debian', () => {
    const programs: Closable[] = []
    after(async () => { for (const program of programs) await program.close() })

    const ready = async (running: Running, ports: readonly number[]): Promise<void> => {
      programs.push(running)
      let ended = false
      void running.exited.then(() => { ended = true })
      await until(async () => ended || (await Promise.all(ports.map(listens))).every(Boolean), () => `it listens: ${running.stderr()}`)
      if (ended) throw new Error(running.stderr())
    }
    const free = async (): Promise<Ports> => ({ rtmp: await freePort(), rtmps: await freePort(), http: await freePort(), https: await freePort() })

    const haproxy = async (how: string): Promise<Ports> => {
      const ports = await free()
      const file = join(server.dir, `haproxy-${how}.cfg`)
      const sections = Object.entries(ports).map(([name, port]) => `
listen ${name}
  bind 127.0.0.1:${port}
  server nms 127.0.0.1:${server.ports[name as keyof Ports]} ${how}`)
      await writeFile(file, `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n${sections.join('\n')}\n`)
      await ready(spawn(tool('haproxy'), ['-db', '-f', file]), Object.values(ports))
      return ports
    }
    const nginx = async (): Promise<Ports> => {
      const ports = await free()
      const file = join(server.dir, 'nginx.conf')
      const servers = Object.entries(ports).map(([name, port]) => `server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${server.ports[name as keyof Ports]}; proxy_protocol on; }`)
      await writeFile(file, `load_module ${nginxModule('stream')};\ndaemon off; pid ${join(server.dir, 'nginx.pid')}; error_log stderr;\nevents {}\nstream { ${servers.join('\n')} }\n`)
      await ready(spawn(tool('nginx'), ['-c', file, '-e', 'stderr']), Object.values(ports))
      return ports
    }

    for (const [what, start] of [
      ['HAProxy with send-proxy', () => haproxy('send-proxy')], ['HAProxy with send-proxy-v2', () => haproxy('send-proxy-v2')], ['nginx\'s stream module', nginx]
    ] as const) {
      it(`knows the clients of ${what}`, async () => {
        const ports = await start()
        for (const speech of SPEECHES) {
          const query = `case=${asked += 1}`
          const client = keep(await openClient({ ports, speech, action: 'play', streamPath: '/live/s', query, from: '127.0.0.3' }))
          expect(await client.told, speech).to.equal('yes')
          const { headers } = await backend.waitFor(query)
          const { ip } = await server.waitForEvent({ event: 'prePlay', id: String(headers['x-session-id']) })
          expect([headers['x-real-ip'], ip.replace(/:\d+$/, '')], speech).to.deep.equal(['127.0.0.3', '127.0.0.3'])
        }
      })
    }
  })
})
