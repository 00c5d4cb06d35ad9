import { expect } from 'chai'
import { join } from 'node:path'
import { writeFiles } from '../../support/hls-files.js'
import { until } from '../../support/waiting.js'
import { Wire } from '../../support/wire.js'
import { MOUNT } from '../../support/hosts.js'
import { withServer } from '../../support/with-server.js'

const TARGET = `${MOUNT}/live/s/index.m3u8?token=123`
/** Node takes 16 KiB of headers. */
const LENGTHS = [7_000, 14_000] as const
const ROUNDS = 20

/** Headers whose parsers, ours, Express's or Node's, could take time by the square of what a client sends. */
const HEADERS: readonly [name: string, make: (length: number) => string][] = [
  ['Host', (n) => 'ж'.repeat(n / 2)],
  ['Range', (n) => `bytes=1-${' '.repeat(n)}x`], ['Range', (n) => `bytes=${'0-1,'.repeat(n / 4)}`], ['Range', (n) => `${' '.repeat(n)}bytes=1-2`],
  ['If-None-Match', (n) => 'W/"a",'.repeat(n / 6)], ['If-None-Match', (n) => ' '.repeat(n)], ['If-Match', (n) => ','.repeat(n)], ['If-Range', (n) => `"${' '.repeat(n)}`],
  ['If-Modified-Since', (n) => '1 '.repeat(n / 2)], ['If-Unmodified-Since', (n) => '('.repeat(n)], ['Cache-Control', (n) => ',no-cach'.repeat(n / 8)],
  ['Accept-Encoding', (n) => 'gzip;q=0.1,'.repeat(n / 11)], ['X-Forwarded-For', (n) => '1.1.1.1,'.repeat(n / 8)], ['X-Forwarded-Host', (n) => 'a.'.repeat(n / 2)],
  ['User-Agent', (n) => 'é'.repeat(n / 2)], ['Origin', (n) => 'http://a'.repeat(n / 8)], ['Cookie', (n) => 'a=b; '.repeat(n / 5)], ['Content-Type', (n) => ';a='.repeat(n / 3)],
  ['Authorization', (n) => `Bearer ${'a.'.repeat(n / 2)}`]
]
/** Targets, cut off where the bounds are. */
const TARGETS: readonly [what: string, make: (length: number) => string][] = [
  ['a path of dots', (n) => `${MOUNT}/${'.'.repeat(n / 8)}`], ['a path of escapes', (n) => `${MOUNT}/${'%25'.repeat(n / 24)}.flv`], ['a path of slashes', (n) => '/'.repeat(n / 8)],
  ['a path that is nearly live', (n) => `/live/${'.flv/'.repeat(n / 40)}x`], ['a query of pairs', (n) => `${MOUNT}/live/s/index.m3u8?${'&a'.repeat(n / 8)}`],
  ['a query of marks', (n) => `${MOUNT}/live/s/index.m3u8?${'?'.repeat(n / 4)}`], ['a query of brackets', (n) => `/live/x.flv?a${'[b]'.repeat(n / 16)}=1`], ['an API path', (n) => `/api/v1/${'%41/'.repeat(n / 32)}`]
]

describe('what bytes over HTTP cost', function () {
  this.timeout(120_000)
  const { server, keep } = withServer({
    options: { hlsIdleMs: 600_000, trustProxy: ['127.0.0.1'], log: 'none' },
    files: { 'live/s/index.m3u8': '#EXTM3U\n#EXTINF:8,\n1.ts\n' }
  })

  /** Microseconds of CPU that the server's process spends on requests, one after the other on connections of their own. */
  const costOf = async (request: string): Promise<number> => {
    const before = await server.evaluate(() => process.cpuUsage())
    for (let round = 0; round < ROUNDS; round++) {
      const wire = await Wire.open({ port: server.ports.http })
      wire.write(Buffer.from(request))
      await until(() => wire.receivedBytes > 0 || wire.isClosed, 'an answer')
      await wire.close()
    }
    return server.evaluate((_, { user, system }) => {
      const now = process.cpuUsage()
      return now.user + now.system - user - system
    }, before)
  }
  const least = async (request: string): Promise<number> => Math.min(await costOf(request), await costOf(request), await costOf(request))
  const get = (target: string, header = ''): string => `GET ${target} HTTP/1.1\r\n${/^host:/i.test(header) ? '' : 'Host: h\r\n'}${header && `${header}\r\n`}Connection: close\r\n\r\n`

  const measure = (what: string, requests: readonly [string, string]): void => {
    it(`grows no faster than they do: ${what}`, async () => {
      const base = await least(get(TARGET))
      const [one, two] = [await least(requests[0]), await least(requests[1])]
      // What a request costs anyway goes off; a millisecond of noise each is far below what a square would cost.
      const noise = ROUNDS * 1000 + base / 2
      expect(two - base, `${one} and ${two} over ${base}`).to.be.below(3 * Math.max(0, one - base) + noise)
      expect(two / ROUNDS, 'at most 30 requests').to.be.below(30 * base / ROUNDS)
    })
  }
  for (const [name, make] of HEADERS) {
    const [short, long] = LENGTHS.map((length) => get(TARGET, `${name}: ${make(length)}`)) as [string, string]
    measure(`${name}: ${make(40).slice(0, 30)}`, [short, long])
  }
  for (const [what, make] of TARGETS) {
    const [short, long] = LENGTHS.map((length) => get(make(length))) as [string, string]
    measure(what, [short, long])
  }

  it('grows by no answer that is not read: playlists of a day in many links, 20 of them', async () => {
    await writeFiles(join(server.dir, 'static'), { 'day/s/index.m3u8': `#EXTM3U\n${Array.from({ length: 10_800 }, (_, index) => `#EXTINF:1,\n${index}.ts\n`).join('')}` })
    const target = `${MOUNT}/day/s/index.m3u8?token=123&x=${'q'.repeat(250)}`
    const rss = (): Promise<number> => server.evaluate(() => process.memoryUsage.rss())
    const first = keep(await Wire.open({ port: server.ports.http }))
    first.write(get(target))
    await first.closed
    expect(first.receivedBytes).to.be.above(2_900_000)
    const before = await rss()
    const wires = await Promise.all(Array.from({ length: 20 }, async () => {
      const wire = keep(await Wire.open({ port: server.ports.http }))
      wire.socket.pause()
      wire.write(get(target))
      return wire
    }))
    await until(() => wires.every((wire) => wire.socket.bytesWritten > 0), 'all have asked')
    // What the kernel takes of an answer is not counted: how much that is, is its own affair. Who asks last is answered last.
    const last = keep(await Wire.open({ port: server.ports.http }))
    last.write(get(TARGET))
    await last.closed
    expect(await rss() - before).to.be.below(32 * 1024 * 1024)
    for (const wire of wires) wire.reset()
  })

  it('is nothing that is built for HEAD, however long a playlist would become', async () => {
    await writeFiles(join(server.dir, 'static'), { 'huge/s/index.m3u8': 'a.ts\n'.repeat(800_000) })
    const query = `token=123&x=${'q'.repeat(4000)}`
    for (const method of ['HEAD', 'GET']) {
      const wire = keep(await Wire.open({ port: server.ports.http }))
      wire.write(`${method} ${MOUNT}/huge/s/index.m3u8?${query} HTTP/1.1\r\nHost: h\r\n\r\n`)
      await until(() => wire.receivedBytes > 0, 'an answer', 30_000)
      expect(wire.received().toString()).to.match(/^HTTP\/1\.1 500 /)
    }
    expect(server.running).to.equal(true)
  })
})
