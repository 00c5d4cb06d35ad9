import { expect } from 'chai'
import { heapOf } from '../../support/heap.js'
import { RawHttp } from '../../support/flv-clients.js'
import { RtmpClient } from '../../support/rtmp-client.js'
import type { Ports } from '../../support/server.js'
import { atMost, inTime, sleep, until } from '../../support/waiting.js'
import { Wire } from '../../support/wire.js'
import { openArena, type Arena } from './arena.js'
import { fileOf } from './attack.js'

const THOUSANDS = 5000
/** From where silence comes. */
const ADDRESSES = 5
/** So many connections are made, or clients are told, at once. */
const AT_ONCE = 50
const MIB = 1024 * 1024
/** What a flood may leave behind, in bytes: code that was compiled for it, tables that have grown. */
const LEFT_BYTES = 4 * MIB

/** A flood may keep the machine busy for a while. */
const PATIENCE_MS = 60_000

const WAYS = ['rtmp', 'http-flv', 'ws-flv', 'hls'] as const
type Way = typeof WAYS[number]

/** One viewer who says all that it has to say at once. */
interface Viewer {
  /** An HTTP status, an RTMP status code; `undefined` if the connection was closed without a word. */
  readonly told: Promise<string | number | undefined>
  readonly mediaBytes: () => number
  readonly header: (name: string) => string | undefined
  close(): Promise<void>
}

const viewRtmp = async ({ rtmp: port }: Ports, query: string, localAddress: string): Promise<Viewer> => {
  const client = await RtmpClient.open({ port, localAddress })
  client.wire.write(RtmpClient.blindHandshake())
  client.wire.write(client.connectBytes())
  client.command('createStream', 2, [null])
  client.play(`target?${query}`)
  const told = (): string | undefined => client.statuses.find((status) => /^NetStream.Play.(?:Start|Failed)$/.test(status))
  return {
    told: until(() => told() !== undefined || client.wire.isClosed, `rtmp from ${localAddress} is told`, PATIENCE_MS).then(told),
    mediaBytes: () => client.media.bytes,
    header: () => undefined,
    close: () => client.close()
  }
}

const viewHttp = async ({ http: port }: Ports, way: Way, query: string, localAddress: string): Promise<Viewer> => {
  const path = way === 'hls' ? fileOf('hls') : `/live/target${way === 'ws-flv' ? '' : '.flv'}`
  const client = await RawHttp.open({
    port, localAddress, target: `${path}?${query}`, ...(way === 'ws-flv' ? { headers: RawHttp.upgradeHeaders(port) } : {})
  })
  return {
    told: inTime(client.status, `${way} from ${localAddress} is told`, PATIENCE_MS).then((status) => status === 0 ? undefined : status),
    mediaBytes: () => client.flv.bytes,
    header: (name) => client.headers()[name],
    close: () => client.close()
  }
}

const view = (ports: Ports, way: Way, query: string, from: string): Promise<Viewer> =>
  way === 'rtmp' ? viewRtmp(ports, query, from) : viewHttp(ports, way, query, from)

/** A connection of one of a few addresses that says nothing, or half of what it must. */
const openSilent = async ({ rtmp, rtmps }: Ports, index: number): Promise<Wire> => {
  const wire = await Wire.open({ port: index % 4 === 0 ? rtmps : rtmp, localAddress: `127.0.0.${10 + index % ADDRESSES}` })
  if (index % 4 === 1) wire.write(RtmpClient.hello().subarray(0, 700))
  if (index % 4 === 2) wire.write(RtmpClient.blindHandshake())
  return wire
}

const wayOf = (index: number): Way => WAYS[index % WAYS.length]!

describe('floods', function () {
  this.timeout(180_000)
  let arena: Arena
  before(async () => { arena = await openArena({ options: { maxHeldPerIp: 200, timeoutMs: 30_000, hlsIdleMs: 300, files: { vodIdleMs: 300 }, log: 'denials' } }) })
  after(() => arena?.close())

  const held = (): Promise<number> => arena.server.evaluate(({ auth }) => auth?.stats().held ?? -1)

  const cut = (): Promise<number> => arena.server.evaluate(({ auth }) => auth?.stats().cutAtAccept ?? -1)

  /** A viewer from an address of its own gets in over every protocol. */
  const viewersGetIn = async (from = '127.0.0.2'): Promise<void> => {
    for (const way of WAYS) {
      const viewer = await view(arena.ports, way, 'token=123', from)
      try {
        expect(await viewer.told, way).to.be.oneOf([200, 101, 'NetStream.Play.Start'])
        if (way !== 'hls') await until(() => viewer.mediaBytes() > 0, `${way} sees something`)
      } finally {
        await viewer.close()
      }
    }
  }

  /** Those who behave have noticed nothing, and the memory is there again. */
  const leavesNothing = async (flood: () => Promise<void>): Promise<void> => {
    const before = await heapOf(arena.server)
    await arena.unharmed(flood)
    const left = await heapOf(arena.server) - before
    expect(left / MIB, 'MiB left behind').to.be.below(LEFT_BYTES / MIB)
  }

  it(`${THOUSANDS} connections that never send a command: each address has its places and no more, and only for a while`, async () => {
    const places = ADDRESSES * 200
    await leavesNothing(async () => {
      let most = 0
      const wires: Wire[] = []
      const flood = async (count: number): Promise<void> => {
        while (wires.length < count) {
          wires.push(...await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => openSilent(arena.ports, wires.length + index))))
          // An answer says that all of them have been accepted, too; more would wait in the kernel.
          most = Math.max(most, await held())
        }
      }
      await flood(places + 1000)
      await viewersGetIn()
      await flood(THOUSANDS)
      await until(() => wires.every(({ isClosed }) => isClosed), 'all are cut', PATIENCE_MS)
      expect(most, 'held at once').to.be.within(200, places)
      expect(await cut(), 'without a place').to.be.above(0)
    })
  })

  it(`${THOUSANDS} denied reconnects of one address: each is told, none gets a byte`, async () => {
    const asked = arena.backend.requests.length
    await leavesNothing(async () => {
      const flood = atMost(AT_ONCE, Array.from({ length: THOUSANDS }, (_, index) => async () => {
        const viewer = await view(arena.ports, wayOf(index), `token=1&n=${index}`, '127.0.0.10')
        const told = await viewer.told
        await viewer.close()
        expect(told, wayOf(index)).to.equal(wayOf(index) === 'rtmp' ? 'NetStream.Play.Failed' : 403)
        expect(viewer.mediaBytes()).to.equal(0)
      }))
      await until(() => arena.backend.requests.length > asked + 1000, 'it has begun', PATIENCE_MS)
      await viewersGetIn()
      await flood
    })
  })

  it('as many clients as the limits allow, held by a backend that does not answer, and then breaks: the others are told to try again, and in the end they are', async () => {
    const { ports, backend } = arena
    // Without a breaker, for hundreds of failures at once would keep it open a while for those who come then.
    await arena.attach({ maxHeld: 500, maxHeldPerIp: 100, timeoutMs: 60_000, breaker: false })
    backend.answer((asked) => asked.query.includes('token=123') ? { status: 200 } : { hold: true })
    await leavesNothing(async () => {
      const from = (address: string, count: number): Promise<Viewer[]> =>
        atMost(AT_ONCE, Array.from({ length: count }, (_, index) => () => view(ports, wayOf(index), `token=1&n=${index}`, address)))
      const told = async (viewers: readonly Viewer[], byRtmp: string | undefined): Promise<void> => {
        for (const [index, viewer] of viewers.entries()) {
          expect(await viewer.told, wayOf(index)).to.equal(wayOf(index) === 'rtmp' ? byRtmp : 503)
          if (wayOf(index) !== 'rtmp') expect(viewer.header('retry-after'), wayOf(index)).to.equal('5')
          expect(viewer.mediaBytes()).to.equal(0)
          await viewer.close()
        }
      }
      const first = await from('127.0.0.10', 100)
      await until(async () => await held() === 100, 'one address has all its places', PATIENCE_MS)
      // RTMP takes a place before it has said a word, and so is told none.
      await told(await from('127.0.0.10', 40), undefined)
      await viewersGetIn()
      const others = (await Promise.all([11, 12, 13, 14].map((number) => from(`127.0.0.${number}`, 100)))).flat()
      await until(async () => await held() === 500, 'no place is left', PATIENCE_MS)
      await told(await from('127.0.0.15', 40), undefined)
      expect(await Promise.race([...first.map((viewer) => viewer.told), sleep(100)]), 'somebody was told something').to.equal(undefined)
      const breaks = { destroy: true }
      backend.answer((asked) => asked.query.includes('token=123') ? { status: 200 } : breaks)
      backend.release(breaks)
      await told([...first, ...others], 'NetStream.Play.Failed')
      await until(async () => await held() === 0, 'all places are free')
      await viewersGetIn()
      await viewersGetIn('127.0.0.10')
    })
  })
})
