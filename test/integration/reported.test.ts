import { expect } from 'chai'
import { startBackend } from '../support/backend.js'
import { cleanup } from '../support/cleanup.js'
import { RawHttp, statusOf } from '../support/flv-clients.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { startServer, type TestServer } from '../support/server.js'
import { until } from '../support/waiting.js'
import { Wire } from '../support/wire.js'

describe('nobody is refused in silence', () => {
  const keep = cleanup()
  let server: TestServer
  beforeEach(async () => {
    const backend = keep(await startBackend())
    server = keep(await startServer({ config: { static: { router: '/static', root: '.' } }, options: { url: backend.url, commandTimeoutMs: 300 } }))
  })
  afterEach(() => keep.run())

  const lastVerdict = async (count: number): Promise<string> => {
    await server.waitFor(({ auth }, least: number) => {
      const sum = (value: object): number => Object.values(value).reduce((total: number, one: unknown) => total + (typeof one === 'number' ? one : sum(one as object)), 0)
      return sum(auth!.stats().verdicts) >= least
    }, count)
    const verdicts = await server.verdicts()
    expect(verdicts).to.have.length(count)
    const { allowed, source, reason } = verdicts.at(-1)!.verdict
    return `${allowed ? 'allowed' : 'denied'} by ${source}: ${reason}`
  }

  it('a second command on an RTMP connection', async () => {
    const client = keep(await RtmpClient.player({ port: server.ports.rtmp }, 's?token=123'))
    client.play('other?token=123')
    await client.status('NetStream.Play.Failed')
    expect(await lastVerdict(2)).to.equal('denied by malformed: one stream per connection')
  })

  for (const [what, target, method, reason] of [
    ['a live stream', '/live/s.flv?token=123', 'PUT', 'GET plays, POST publishes'],
    ['a file', '/static/live/s/index.m3u8', 'POST', 'GET and HEAD only']
  ] as const) {
    it(`a method that ${what} does not have`, async () => {
      const client = keep(await RawHttp.open({ port: server.ports.http, target, method }))
      expect(await statusOf(client)).to.equal(405)
      expect(await lastVerdict(1)).to.equal(`denied by malformed: ${reason}`)
      expect(server.log()).to.include(reason)
    })
  }

  for (const [what, reason, line, send] of [
    ['says nothing in time', 'timeout', 'no command in time', (): Buffer => RtmpClient.hello()],
    ['sends what cannot be read', 'malformed', 'what it sent cannot be read', (): Buffer =>
      Buffer.concat([RtmpClient.blindHandshake(), Buffer.from([3, 0, 0, 0, 0xff, 0xff, 0xff, 20, 0, 0, 0, 0, 0])])],
    ['sends without end and says nothing', 'overflow', 'it sent too much before a command', (): Buffer =>
      Buffer.concat([RtmpClient.blindHandshake(), Buffer.alloc(70 * 1024)])]
  ] as const) {
    it(`an RTMP connection that ${what}`, async () => {
      const wire = keep(await Wire.open({ port: server.ports.rtmp }))
      wire.write(send())
      await until(() => wire.isClosed, 'it is cut')
      expect(await server.evaluate(({ auth }) => auth!.stats().cuts)).to.deep.equal({ [reason]: 1 })
      expect(server.log()).to.include(`info [http-auth] cut a connection: ${line} ip=127.0.0.1 reason=${reason}`)
    })
  }
})
