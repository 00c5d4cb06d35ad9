import { expect } from 'chai'
import { openClient, type AnyClient, type Speech } from '../support/clients.js'
import { fileClient } from '../support/file-clients.js'
import { hlsStream } from '../support/hls-files.js'
import { MOUNT } from '../support/hosts.js'
import { keepPublishing } from '../support/media.js'
import { sleep, until } from '../support/waiting.js'
import { withServer } from '../support/with-server.js'

const EVERY_MS = 2000
const ZAPS = 15
const LINKS = ['one link', 'fresh links'] as const
const LIVE = ['rtmp', 'http-flv', 'ws-flv'] as const satisfies readonly Speech[]

for (const whenFull of ['endOldest', 'denyNew'] as const) {
  describe(`a viewer of a user with one session that changes the channel every two seconds (${whenFull})`, function () {
    this.timeout(EVERY_MS * ZAPS + 60_000)
    const { server, keep, last } = withServer({
      options: { limits: { whenFull }, maxHeldPerIp: 0 },
      answer: ({ query }: { query: string }) => {
        const params = new URLSearchParams(query)
        const user = params.get('user')
        return { status: 200, ...(user !== null && { headers: { 'X-UserId': user, 'X-Max-Sessions': params.get('max') ?? '1' } }) }
      },
      files: { ...hlsStream('live/a', { segments: 40 }), ...hlsStream('live/b', { segments: 40 }) }
    })
    before(async () => {
      for (const name of ['a', 'b', 'c']) {
        const publisher = last(await openClient({ ports: server.ports, speech: 'rtmp', action: 'publish', streamPath: `/live/${name}` }))
        await server.waitForEvent({ event: 'postPublish', streamPath: `/live/${name}` })
        last(keepPublishing(publisher))
      }
    })
    const running = (user: string): Promise<string[]> => server.evaluate(({ auth }, whose) => auth!.sessions().filter((session) => session.user === whose).map(({ streamPath }) => streamPath), user)
    const queryOf = (user: string, links: typeof LINKS[number], n: number): string => `user=${user}&max=1${links === 'one link' ? '' : `&n=${n}`}`

    /** Every two seconds from one channel to the other and back; its old connection is closed at once, or never. */
    const zapLive = async (speech: typeof LIVE[number], links: typeof LINKS[number], closes: boolean): Promise<void> => {
      const user = `${speech} ${links} ${closes}`
      let old: AnyClient | undefined
      for (let n = 0; n < ZAPS; n++) {
        const from = performance.now()
        if (closes) await old?.close()
        const client = keep(await openClient({ ports: server.ports, speech, action: 'play', streamPath: `/live/${'ab'[n % 2]}`, query: queryOf(user, links, n).replaceAll(' ', '+'), userAgent: 'tv' }))
        expect(await client.told, `${user}: zap ${n}`).to.equal('yes')
        await client.waitForMedia(2000)
        await sleep(EVERY_MS - (performance.now() - from))
        expect(client.closedAt(), `${user}: zap ${n} plays on`).to.equal(0)
        expect((await running(user)).length, `${user}: sessions after zap ${n}`).to.equal(1)
        old = client
      }
    }
    /** The same over HLS, with a segment of the old channel that comes late. */
    const zapHls = async (links: typeof LINKS[number]): Promise<void> => {
      const user = `hls ${links}`
      const client = keep(fileClient(server.ports, { headers: { 'user-agent': 'tv' } }))
      const get = async (name: string, file: string, n: number): Promise<number> => (await client.get(`${MOUNT}/live/${name}/720p/${file}?${queryOf(user, links, n).replaceAll(' ', '+')}`)).status
      for (let n = 0; n < ZAPS; n++) {
        const from = performance.now()
        const [now, before] = n % 2 === 0 ? ['a', 'b'] as const : ['b', 'a'] as const
        expect(await get(now, 'index.m3u8', n), `${user}: zap ${n}`).to.equal(200)
        expect(await get(now, '0.ts', n), `${user}: first segment of zap ${n}`).to.equal(200)
        await sleep(300)
        // Whatever becomes of it.
        if (n > 0) await get(before, `${n}.ts`, n - 1)
        await sleep(EVERY_MS - (performance.now() - from))
        expect(await get(now, 'index.m3u8', n), `${user}: playlist again after zap ${n}`).to.equal(200)
        expect(await get(now, '1.ts', n), `${user}: next segment of zap ${n}`).to.equal(200)
      }
    }

    it('is never refused, over HLS, RTMP, HTTP-FLV and WebSocket-FLV, from A to B and back, with one link and with fresh ones, its old connection closed first or left open', async () => {
      const results = await Promise.allSettled([
        ...LINKS.map(zapHls),
        ...LIVE.flatMap((speech) => LINKS.flatMap((links) => [true, false].map((closes) => zapLive(speech, links, closes))))
      ])
      expect(results.flatMap((result) => result.status === 'rejected' ? [String(result.reason)] : [])).to.deep.equal([])
    })

    it('may be three tiles of one device with three sessions; with two the abandoned phone goes before a tile', async () => {
      const watch = async (user: string, max: number, userAgent: string, name: string): Promise<AnyClient> => {
        const client = keep(await openClient({ ports: server.ports, speech: 'http-flv', action: 'play', streamPath: `/live/${name}`, query: `user=${user}&max=${max}`, userAgent }))
        expect(await client.told).to.equal('yes')
        await client.waitForMedia(1000)
        return client
      }
      const tiles = [await watch('tiles', 3, 'tv', 'a'), await watch('tiles', 3, 'tv', 'b'), await watch('tiles', 3, 'tv', 'c')]
      // A phone whose viewer has put it away asks for nothing more, and has not said so.
      const phone = keep(fileClient(server.ports, { headers: { 'user-agent': 'phone' } }))
      expect((await phone.get(`${MOUNT}/live/a/720p/index.m3u8?user=two&max=2`)).status).to.equal(200)
      // Three of its segments later, and before it has been idle for long enough to end by itself.
      await sleep(25_000)
      expect(await running('two')).to.have.length(1)
      const two = [await watch('two', 2, 'tv', 'a'), await watch('two', 2, 'tv', 'b')]
      await until(async () => (await running('two')).length === 2, 'two are left')
      await sleep(1500)
      expect([...tiles, ...two].map((client) => client.closedAt())).to.deep.equal([0, 0, 0, 0, 0])
    })
  })
}
