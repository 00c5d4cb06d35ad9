import { expect } from 'chai'
import type { AccessRequest, Protocol } from '../../../lib/access/request.js'
import { createChain, type Chain } from '../../../lib/assembly/chain.js'
import type { Options } from '../../../lib/options/options.js'
import { resolve } from '../../../lib/options/resolve.js'
import { access, cleanup, forbidden, ok, rawBackend, until, type Answer, type RawBackend } from '../backend/raw-backend.js'
import { outcome, stays } from '../policy/support.js'

const PROTOCOLS: readonly Protocol[] = ['rtmp', 'rtmps', 'http-flv', 'https-flv', 'ws-flv', 'wss-flv', 'hls', 'dash', 'file']
const withHeaders = (...headers: string[]): string => ['HTTP/1.1 200 OK', ...headers, 'Content-Length: 0', '', ''].join('\r\n')
const withBody = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

describe('the chain of a portal', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  const serve = (answer: Answer): Promise<RawBackend> => rawBackend(answer).then(keep)
  const says = (text: string): Promise<RawBackend> => serve((socket) => { socket.write(text) })
  const chainOf = (options: Options): { chain: Chain, outages: string[] } => {
    const outages: string[] = []
    const chain = createChain(resolve(options), {
      onBegin: ({ message }) => outages.push(message), onEnd: () => undefined, onOpen: () => undefined, onClose: () => undefined, onUnavailable: () => undefined
    })
    return { chain: keep(chain), outages }
  }
  const decide = ({ authorize }: Chain, change: Partial<AccessRequest> = {}): Promise<string> => outcome(authorize(access(change), stays))
  const portal = (name: 'ministra' | 'iptvportal' | 'smarty', { url }: RawBackend): Options => ({ preset: name, url })

  describe('what was allowed is remembered as long as X-AuthDuration says', () => {
    for (const protocol of PROTOCOLS) {
      it(`by ${protocol}, under another session id`, async () => {
        const backend = await says(withHeaders('X-UserId: 7', 'X-AuthDuration: 36000'))
        const { chain } = chainOf(portal('ministra', backend))
        expect(await decide(chain, { protocol, sessionId: 'FIRST' })).to.equal('allow by backend')
        expect(await decide(chain, { protocol, sessionId: 'SECOND' })).to.equal('allow by remembered')
        expect(backend.requests.map((text) => /^X-Session-Id: (.*)\r$/mi.exec(text)?.[1])).to.deep.equal(['FIRST'])
      })
    }
    it('for a publisher as for a player, but not from one to the other', async () => {
      const backend = await says(withHeaders('X-AuthDuration: 36000'))
      const { chain } = chainOf({ url: backend.url })
      const come = async (action: 'play' | 'publish'): Promise<string> => decide(chain, { action, protocol: 'rtmp' })
      expect([await come('play'), await come('publish'), await come('play'), await come('publish')])
        .to.deep.equal(['allow by backend', 'allow by backend', 'allow by remembered', 'allow by remembered'])
    })
    it('a token that comes from elsewhere is asked for', async () => {
      const backend = await serve((socket, _, index) => { socket.write(index === 0 ? withHeaders('X-UserId: 7', 'X-AuthDuration: 36000') : forbidden) })
      const { chain } = chainOf(portal('ministra', backend))
      await decide(chain)
      for (const change of [{ ip: '203.0.113.8' }, { userAgent: 'another' }, { streamPath: '/live/t' }, { query: 'token=123&' }, { protocol: 'ws-flv' }] as const) {
        expect(await decide(chain, change), JSON.stringify(change)).to.equal('deny by backend')
      }
      expect(await decide(chain)).to.equal('allow by remembered')
    })
    it('until a re-check is denied, whose own duration is kept', async () => {
      const backend = await serve((socket, _, index) => {
        socket.write(index === 0 ? withHeaders('X-AuthDuration: 36000') : 'HTTP/1.1 403 Forbidden\r\nX-AuthDuration: 100\r\nContent-Length: 0\r\n\r\n')
      })
      const { chain } = chainOf({ url: backend.url })
      expect(await decide(chain)).to.equal('allow by backend')
      expect(await outcome(chain.recheck(access({ requestNumber: 1 }), stays))).to.equal('deny by backend')
      chain.forget(access({}))
      expect(await decide(chain)).to.equal('deny by remembered')
      expect(backend.requests).to.have.lengthOf(2)
    })
    it('an operator\'s rule comes before', async () => {
      const backend = await says(withHeaders('X-AuthDuration: 36000'))
      const { chain } = chainOf({ url: backend.url, rules: [{ protocol: 'https-flv', verdict: 'deny' }] })
      expect(await decide(chain)).to.equal('allow by backend')
      expect(await decide(chain, { protocol: 'https-flv' })).to.equal('deny by rule')
    })
  })

  for (const protocol of ['rtmp', 'http-flv', 'ws-flv'] as const) {
    it(`two sessions by ${protocol} that come at once are each asked for`, async () => {
      const waiting: (() => void)[] = []
      const backend = await serve((socket) => { waiting.push(() => socket.write(withHeaders('X-UserId: 7', 'X-AuthDuration: 9'))) })
      const { chain } = chainOf(portal('ministra', backend))
      const both = Promise.all([decide(chain, { protocol, sessionId: 'A' }), decide(chain, { protocol, sessionId: 'B' })])
      await until(() => waiting.length === 2, 'both are asked for')
      for (const answer of waiting) answer()
      expect(await both).to.deep.equal(['allow by backend', 'allow by backend'])
    })
  }

  describe('what a client may provoke in the portal\'s answer denies, and is no outage', () => {
    const stalled = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"error":'
    for (const [title, name, answer] of [
      ['a fatal error of PHP that says 200', 'ministra', withBody('<br />\n<b>Fatal error</b>')],
      ['error 1 under status 200', 'smarty', withBody('{"error": 1}')],
      ['error 2 under status 200', 'smarty', withBody('{"error": 2}')],
      ['error 3 under status 200', 'smarty', withBody('{"error": 3}')],
      ['HTML under status 200', 'smarty', withBody('<h1>Server Error</h1>')],
      ['a body that stalls', 'smarty', stalled],
      ['a body without end', 'smarty', withBody(`{"error": 0, "x": "${'x'.repeat(200_000)}"}`)]
    ] as const) {
      it(`${name}: ${title}`, async () => {
        const backend = await says(answer)
        const { chain, outages } = chainOf({ ...portal(name, backend), defaultAction: 'allow', timeoutMs: 300, rememberMs: 1000 })
        expect([await decide(chain), await decide(chain)]).to.deep.equal(['deny by backend', 'deny by backend'])
        expect(outages).to.deep.equal([])
      })
    }
    it('but both are taken for what they say without a preset', async () => {
      const { chain } = chainOf({ url: (await says(withBody('{"error": 1}'))).url })
      expect(await decide(chain)).to.equal('allow by backend')
    })
  })

  describe('publishers', () => {
    const publisher = { action: 'publish', protocol: 'rtmp', path: '/live/s' } as const
    for (const name of ['ministra', 'iptvportal', 'smarty'] as const) {
      it(`are not asked for at ${name}: they need a rule`, async () => {
        const backend = await says(ok)
        expect(await decide(chainOf(portal(name, backend)).chain, publisher)).to.equal('deny by rule')
        const rules = [{ for: 'publish', ip: '203.0.113.0/24', verdict: 'allow' }] as const
        expect(await decide(chainOf({ ...portal(name, backend), rules: [...rules] }).chain, publisher)).to.equal('allow by rule')
        expect(backend.requests).to.deep.equal([])
      })
      it(`are asked for where the publish section beside ${name} says, as the bare contract has it`, async () => {
        const [viewers, encoders] = [await says(forbidden), await says(ok)]
        const { chain } = chainOf({ ...portal(name, viewers), publish: { url: `${encoders.url}/encoder`, headers: { 'X-Key': 'k' } } })
        expect([await decide(chain, publisher), await decide(chain)]).to.deep.equal(['allow by backend', 'deny by backend'])
        expect(encoders.requests.map((text) => text.split('\r\n', 1)[0])).to.deep.equal(['GET /encoder?token=123 HTTP/1.1'])
        expect(viewers.requests).to.have.lengthOf(1)
      })
    }
  })

  it('several backends have one time budget together', async () => {
    const silent = await Promise.all([1, 2, 3].map(() => serve(() => undefined)))
    const { chain } = chainOf({ url: silent.map(({ url }) => url), timeoutMs: 3000, breaker: false })
    const start = performance.now()
    // The first second of a silence may be `overload`: a stall of this process can cost a probe its time.
    expect(await decide(chain)).to.be.oneOf(['deny by default', 'deny by overload'])
    expect(performance.now() - start, 'three times as long, were it one for each').to.be.within(2700, 6000)
    expect(silent.map(({ requests }) => requests.length)).to.deep.equal([1, 1, 1])
  })
})
