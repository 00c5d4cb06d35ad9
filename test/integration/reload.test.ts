import { expect } from 'chai'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { ADMIN, adminOf } from '../support/admin.js'
import { startBackend, type ControlledBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { openClient, type AnyClient } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import { startServer, type Inside, type TestServer } from '../support/server.js'
import { sleep, until } from '../support/waiting.js'

/** What a reload must not leave behind. */
const held = ({ nms, context }: Inside): number => {
  const { tcpServer } = nms.rtmpServer
  const { httpServer } = nms.httpServer
  const of = (emitter: { eventNames: () => (string | symbol)[], listenerCount: (event: string | symbol) => number } | undefined): number =>
    emitter === undefined ? 0 : emitter.eventNames().reduce<number>((sum, name) => sum + emitter.listenerCount(name), 0)
  return of(tcpServer) + of(httpServer) + of(context.eventEmitter) + process.listenerCount('SIGHUP')
}

describe('a reload', function () {
  this.timeout(90_000)
  const keep = cleanup()
  let first: ControlledBackend
  let second: ControlledBackend
  let server: TestServer

  beforeEach(async () => {
    first = keep(await startBackend())
    second = keep(await startBackend())
  })
  afterEach(() => keep.run())

  const start = async (options: object = {}): Promise<void> => {
    server = keep(await startServer({ options: { url: first.url, log: 'outages', maxHeldPerIp: 0, ...options } }))
  }
  const reload = (options: object): Promise<string> => server.evaluate(async ({ auth }, given: object) => {
    try {
      await auth?.reload(given)
      return 'reloaded'
    } catch (error) {
      return String((error as Error).message)
    }
  }, options)
  const statusOf = async (query: string, name = 's'): Promise<number> => {
    const { statusCode, body } = await request(`http://127.0.0.1:${server.ports.http}/live/${name}.flv?${query}`)
    body.on('error', () => undefined).destroy()
    return statusCode
  }
  const open = async (action: 'play' | 'publish', query = 'token=123'): Promise<AnyClient> =>
    keep(await openClient({ ports: server.ports, speech: 'rtmp', action, streamPath: '/live/s', query }))

  it('of another backend asks that one from now on, and cuts nobody', async () => {
    await start()
    const publisher = await open('publish')
    keep(keepPublishing(publisher))
    const viewer = await open('play')
    await viewer.waitForMedia(1)
    expect(await reload({ url: second.url, log: 'outages', maxHeldPerIp: 0 })).to.equal('reloaded')
    second.answer({ status: 403 })
    const before = second.requests.length
    expect(await statusOf('token=123')).to.equal(403)
    expect(second.requests.length).to.equal(before + 1)
    const bytes = viewer.mediaBytes()
    await until(() => viewer.mediaBytes() > bytes, 'the viewer goes on')
    expect((await server.evaluate(({ auth }) => auth?.sessions().length))).to.equal(2)
    expect((await server.evaluate(({ auth }) => auth?.stats().backends.map(({ at }) => at)))).to.deep.equal([new URL(second.url).host])
  })

  it('leaves who waits to the backend that was asked, which is closed after its last answer', async () => {
    await start()
    first.answer({ hold: true, status: 200 })
    const waiting = open('play')
    await first.waitFor('token=123')
    expect(await reload({ url: second.url })).to.equal('reloaded')
    second.answer({ status: 403 })
    await sleep(100)
    first.release()
    expect(await (await waiting).told).to.equal('yes')
    expect(second.about('token=123')).to.deep.equal([])
  })

  it('keeps what is remembered if the backend stays, and forgets it if it changes', async () => {
    await start({ rememberMs: 600_000 })
    expect(await statusOf('token=123')).to.equal(200)
    expect(await statusOf('token=123')).to.equal(200)
    expect(first.requests.length).to.equal(1)
    expect(await reload({ url: first.url, rememberMs: 600_000, rules: [{ path: '/live/closed', verdict: 'deny' }] })).to.equal('reloaded')
    expect(await statusOf('token=123', 'closed')).to.equal(403)
    expect(await statusOf('token=123')).to.equal(200)
    expect(first.requests.length, 'it is remembered').to.equal(1)
    expect(await reload({ url: second.url, rememberMs: 600_000 })).to.equal('reloaded')
    expect(await statusOf('token=123')).to.equal(200)
    expect(second.requests.length, 'it is asked anew').to.equal(1)
  })

  it('that is a mistake leaves all as it was, and names what cannot change', async () => {
    await start({ admin: ADMIN })
    expect(await reload({ url: 'nonsense', admin: ADMIN })).to.match(/^httpAuth\.url: must be a URL/)
    expect(await reload({ url: first.url, admin: { ...ADMIN, metricsOpen: true } })).to.equal('httpAuth.admin: cannot change while the server runs; restart it')
    expect(await reload({ url: first.url, store: { url: 'redis://127.0.0.1:1' } })).to.equal('httpAuth.admin, httpAuth.store: cannot change while the server runs; restart it')
    expect(await statusOf('token=123')).to.equal(200)
    expect(await statusOf('token=wrong')).to.equal(403)
  })

  it('changes limits, audit and log, and NMS\'s own config', async () => {
    await start()
    const audit = join(server.dir, 'audit.jsonl')
    const options = { url: first.url, maxHeld: 1, audit: { file: audit }, log: 'verdicts' }
    expect(await reload(options)).to.equal('reloaded')
    expect(await statusOf('token=wrong')).to.equal(403)
    await until(async () => (await readFile(audit, 'utf8').catch(() => '')).includes('"backend-deny"'), 'the audit is written')
    expect(await server.evaluate(({ context }) => context.config['httpAuth'])).to.deep.equal(options)
    first.answer({ hold: true, status: 403 })
    const waiting = statusOf('token=1')
    await first.waitFor('token=1')
    expect(await statusOf('token=2')).to.equal(503)
    first.release()
    expect(await waiting).to.equal(403)
    const other = join(server.dir, 'other.jsonl')
    expect(await reload({ ...options, audit: { file: other } })).to.equal('reloaded')
    first.reset()
    expect(await statusOf('token=wrong')).to.equal(403)
    await until(async () => (await readFile(other, 'utf8').catch(() => '')).includes('"backend-deny"'), 'the other audit is written')
    const lines = (await readFile(audit, 'utf8')).split('\n').length
    expect(await reload({ url: first.url })).to.equal('reloaded')
    expect(await statusOf('token=wrong')).to.equal(403)
    await sleep(50)
    expect((await readFile(audit, 'utf8')).split('\n').length).to.equal(lines)
  })

  it('by the admin server reads the config file', async () => {
    await start({ admin: ADMIN })
    const admin = await adminOf(server)
    const { statusCode, body } = await request(new URL('api/reload', admin.url), { method: 'POST', headers: { authorization: `Bearer ${ADMIN.token}` } })
    expect(statusCode).to.equal(422)
    expect(await body.text()).to.include('was given no config file')
    await writeFile(join(server.dir, 'unused'), '')
  })

  it('50 times while 100 clients a second join: none is let in or refused wrongly, nothing is left behind', async () => {
    await start()
    const publisher = await open('publish')
    keep(keepPublishing(publisher))
    const viewer = await open('play')
    await viewer.waitForMedia(1)
    const before = await server.evaluate(held)
    const wrong: string[] = []
    let asked = 0
    let going = true
    const joining: Promise<void>[] = []
    const join = (async () => {
      while (going) {
        const good = asked++ % 2 === 0
        joining.push(statusOf(`token=${good ? '123' : 'wrong'}`).then((status) => {
          if (status !== (good ? 200 : 403)) wrong.push(`${good ? 'good' : 'bad'}: ${status}`)
        }, (error: unknown) => { wrong.push(String(error)) }))
        await sleep(10)
      }
    })()
    for (let n = 0; n < 50; n++) {
      const options = { url: n % 3 === 2 ? first.url : second.url, maxHeldPerIp: 0, log: 'none', rules: n % 2 === 0 ? [] : [{ path: '/other/*', verdict: 'deny' }] }
      expect(await reload(options)).to.equal('reloaded')
      await sleep(40)
    }
    going = false
    await join
    await Promise.all(joining)
    expect(wrong).to.deep.equal([])
    expect(asked).to.be.above(100)
    expect([viewer.closedAt(), publisher.closedAt()]).to.deep.equal([0, 0])
    expect(await server.evaluate(held)).to.equal(before)
    await server.waitFor(({ auth }) => auth?.stats().held === 0)
    // Only the backend in force has connections that are kept.
    const sockets = await server.evaluate(() => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length)
    expect(sockets).to.be.below(40)
  })
})
