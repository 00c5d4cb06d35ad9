import { expect } from 'chai'
import type { StoreSettings } from '../../../lib/access/settings.js'
import { certificatePath, TEST_CA } from '../../support/certificates.js'
import { cleanup } from '../../support/cleanup.js'
import { startRedis, type RedisServer } from '../../support/redis.js'
import { openStore } from '../../support/stores.js'
import { freePort } from '../../support/tools.js'
import { until } from '../../support/waiting.js'

const DEVICES = [{ ip: '192.0.2.1', userAgent: 'a' }, { ip: '192.0.2.2', userAgent: 'b' }] as const

describe('a store is reached', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  /** Every script once, and a message from one server to another. */
  const works = async (url: string | readonly string[], more: Partial<StoreSettings> = {}): Promise<void> => {
    const urls = [url].flat()
    const [a, b] = [keep(await openStore('', { urls, ...more })), keep(await openStore('', { urls, ...more }))]
    const old = a.join({ device: DEVICES[0], limit: 1 })
    expect(await old.taken).to.equal(false)
    const newcomer = b.join({ device: DEVICES[1], limit: 1 })
    expect(await newcomer.taken).to.equal(true)
    expect(await newcomer.settle()).to.equal(true)
    await until(() => old.ended !== undefined, 'the message arrives')
    expect(await a.remember('request', 'facts', 5000)).to.equal(true)
    expect(await a.cover('request', ['directory'])).to.equal(true)
    expect((await b.recall('request', ['directory']))?.allow?.facts).to.equal('facts')
    a.bar('request', 'anna', DEVICES[0], 5000)
    a.forget(['request'], [], {})
    await until(() => b.forgotten.length === 1 && b.barred('anna', DEVICES[0]), 'orders arrive')
    newcomer.release()
    await until(() => a.stats().servers === 2 && b.stats().servers === 2, 'each knows of the other')
    for (const store of [a, b]) expect(store.stats()).to.include({ up: true, errors: 0 })
  }

  it('by a Unix socket', async () => {
    await works(keep(await startRedis()).socket)
  })

  it('in another database of it', async () => {
    const redis = keep(await startRedis())
    await works(`${redis.url}/3`)
    expect(await redis.direct.dbsize()).to.equal(0)
  })

  it('with a user who may do no more than is needed, and a password', async () => {
    const redis = keep(await startRedis({ password: 'of the default user' }))
    await redis.direct.acl('SETUSER', 'fleet', 'on', '>s3cret/+', '~{test}:*', '&{test}:*', '+evalsha', '+eval', '+subscribe', '+publish',
      '+@hash', '+@sortedset', '+time', '+pttl', '+pexpire', '+del', '+get', '+set', '+info', '+hello', '+ping', '+client')
    await works(`redis://fleet:${encodeURIComponent('s3cret/+')}@127.0.0.1:${redis.port}`)
  })

  it('by TLS, whose certificate is checked', async () => {
    const port = await freePort()
    const redis: RedisServer = keep(await startRedis({
      args: ['--tls-port', String(port), '--tls-cert-file', certificatePath('server.pem'), '--tls-key-file', certificatePath('server.key'), '--tls-ca-cert-file', certificatePath('ca.pem'), '--tls-auth-clients', 'no']
    }))
    await works(`rediss://127.0.0.1:${port}`, { options: { tls: { ca: TEST_CA } } })
    const stranger = keep(await openStore(`rediss://127.0.0.1:${port}`, { isUp: false }))
    await until(() => stranger.heard.length > 0, 'it says why')
    expect(stranger.heard[0]).to.match(/certificate/)
    expect(await redis.direct.ping()).to.equal('PONG')
  })

  it('by its name at a Sentinel', async () => {
    const redis = keep(await startRedis())
    const sentinel = keep(await startRedis({ args: ['--sentinel'], config: `sentinel monitor fleet 127.0.0.1 ${redis.port} 1\n` }))
    await works('redis://fleet', { options: { sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'fleet' } })
  })

  it('in a Cluster, each script in one slot', async () => {
    const nodes: RedisServer[] = []
    for (let n = 0; n < 3; n++) nodes.push(keep(await startRedis({ args: ['--cluster-enabled', 'yes'] })))
    const [first, ...others] = nodes as [RedisServer, ...RedisServer[]]
    const ranges = [[0, 5460], [5461, 10922], [10923, 16383]] as const
    for (const [n, node] of nodes.entries()) await node.direct.call('CLUSTER', 'ADDSLOTSRANGE', ...ranges[n]!)
    for (const { port } of others) await first.direct.call('CLUSTER', 'MEET', '127.0.0.1', port)
    await until(async () => (await Promise.all(nodes.map(({ direct }) => direct.call('CLUSTER', 'INFO')))).every((info) => /cluster_state:ok[^]*cluster_known_nodes:3/.test(String(info))), 'the Cluster is there')
    await works(nodes.map(({ url }) => url))
    const sizes = await Promise.all(nodes.map(({ direct }) => direct.dbsize()))
    expect(sizes.filter((size) => size > 0)).to.have.length(1)
  })
})
