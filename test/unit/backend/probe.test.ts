import { expect } from 'chai'
import type { BackendSettings } from '../../../lib/access/settings.js'
import { createLookup } from '../../../lib/backend/lookup.js'
import { Probe } from '../../../lib/backend/probe.js'
import { VERSION } from '../../../lib/version.js'
import { cleanup, forbidden, ok, rawBackend, settingsFor, until, type Answer, type RawBackend } from './raw-backend.js'

describe('the probe', () => {
  const keep = cleanup()
  afterEach(() => keep.run())
  const probeOf = (url: string, change: Partial<BackendSettings> = {}, questionMs = 600): Probe => {
    const probe = new Probe(settingsFor([url], change), url, createLookup(new URL(url).hostname), questionMs)
    keep({ close: () => Promise.resolve(probe.close()) })
    return probe
  }
  const serve = (answer: Answer): Promise<RawBackend> => rawBackend(answer).then(keep)

  it('holds nothing of any client, and everything of the operator\'s', async () => {
    const server = await serve((socket) => { socket.write(forbidden) })
    const probe = probeOf(`${server.url}/auth?own=1`, {
      headers: { 'X-Secret': 's' }, params: { a: '{app}', s: '{stream}', p: '{path}', i: '{ip}', w: '{action}', l: '{protocol}' },
      probe: { path: '/live/nobody', query: 'token=probe&own=2' }
    })
    expect(await probe.ask()).to.deep.equal({ is: 'answered', status: 403 })
    const [head = '', ...headers] = (server.probes[0] ?? '').split('\r\n')
    expect(head).to.equal('GET /auth?own=1&a=probe&s=probe&p=%2Flive%2Fnobody&i=192.0.2.1&w=play&l=rtmp&token=probe HTTP/1.1')
    expect(headers).to.include.members([
      'X-Real-Ip: 192.0.2.1', 'X-Real-Path: /live/nobody', 'X-Real-Origin: rtmp://probe', `X-Real-Ua: node-media-server-http-auth/${VERSION}`, 'X-Secret: s'
    ])
    expect(headers.join('\n')).to.match(/X-Session-Id: probe-[\da-f]{24}/)
  })
  it('makes a connection of its own each time, and leaves none', async () => {
    const connections = new Set<unknown>()
    const server = await serve((socket) => {
      connections.add(socket)
      socket.write(ok)
    })
    const probe = probeOf(server.url)
    for (let count = 0; count < 3; count += 1) {
      expect(await probe.ask()).to.deep.equal({ is: 'answered', status: 200 })
      await until(() => server.open() === 0, 'the connection is closed')
    }
    expect([connections.size, server.probes.length]).to.deep.equal([3, 3])
  })
  for (const [title, answer, change, met, flags] of [
    ['silence', () => undefined, {}, 'doubt', { connected: true, status: false }],
    ['a close', (socket) => { socket.end() }, {}, 'doubt', { connected: true, status: false }],
    ['garbage', (socket) => { socket.end('SSH-2.0\r\n') }, {}, 'doubt', { connected: true, status: false }],
    ['100 Continue and then 403', (socket) => { socket.write(`HTTP/1.1 100 Continue\r\n\r\n${forbidden}`) }, {}, 'doubt', { connected: true, status: false }],
    ['a status that counts as unavailable', (socket) => { socket.write(ok.replace('200', '503')) }, { unavailableStatuses: [503] }, 'doubt', { connected: true, status: true }]
  ] as [string, Answer, Partial<BackendSettings>, string, object][]) {
    it(`${title} is no answer`, async () => {
      const server = await serve(answer)
      const outcome = await probeOf(server.url, change).ask()
      expect(outcome).to.deep.include({ is: 'failed', ...flags })
      expect(outcome.is === 'failed' && outcome.failure.met).to.equal(met)
      await until(() => server.open() === 0, 'the connection is closed')
    })
  }
  it('an interim status is skipped', async () => {
    const server = await serve((socket) => { socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${forbidden}`) })
    expect(await probeOf(server.url).ask()).to.deep.equal({ is: 'answered', status: 403 })
  })
  it('a refused connection is a proof', async () => {
    const server = await rawBackend(() => undefined)
    await server.close()
    const outcome = await probeOf(server.url).ask()
    expect(outcome).to.deep.include({ is: 'failed', connected: false })
    expect(outcome.is === 'failed' && outcome.failure.met).to.equal('proof')
  })
  it('a lookup that does not end proves nothing: this process may be what keeps it', async () => {
    const url = 'http://b.example'
    const probe = new Probe(settingsFor([url]), url, createLookup('b.example', (() => undefined) as never), 300)
    const outcome = await probe.ask()
    expect(outcome.is === 'failed' && outcome.failure.met).to.equal('nothing')
    probe.close()
  })
  it('a stall of this process does not count: an answer that came meanwhile is read', async () => {
    const server = await serve((socket) => { socket.write(forbidden) })
    const probe = probeOf(server.url, {}, 60)
    for (let count = 0; count < 5; count += 1) {
      const asking = probe.ask()
      const end = Date.now() + 300
      while (Date.now() < end) { /* holds the event loop */ }
      expect(await asking).to.deep.equal({ is: 'answered', status: 403 })
    }
  })
  it('waits two thirds of a question\'s time, or as long as answers usually take, and at most a question\'s time', async () => {
    const server = await serve(() => undefined)
    const probe = probeOf(server.url)
    for (const [usualMs, waitsMs] of [[0, 400], [500, 500], [5000, 600]] as const) {
      const outcome = await probe.ask(usualMs)
      expect(outcome.is === 'failed' && outcome.failure.text('b')).to.equal(`no answer by b within ${waitsMs} ms`)
    }
  })
  it('ends when it is closed', async () => {
    const server = await serve(() => undefined)
    const probe = probeOf(server.url, {}, 60_000)
    const asking = probe.ask()
    await until(() => server.probes.length === 1, 'it is asked')
    probe.close()
    expect(await asking).to.deep.include({ is: 'failed' })
    await until(() => server.open() === 0, 'the connection is closed')
  })
})
