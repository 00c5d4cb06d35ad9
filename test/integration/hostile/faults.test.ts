import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { certificatePath } from '../../support/certificates.js'
import { cleanup } from '../../support/cleanup.js'
import { EXPECTED, FAULTS, nameOf } from '../../support/faults.js'
import { createFaultyProxy, type FaultyProxy } from '../../support/faulty-proxy.js'
import type { Decided } from '../../support/server.js'
import { sleep, until } from '../../support/waiting.js'
import { openArena, type Arena } from './arena.js'
import { protocolOfWay } from './attack.js'
import { FOUR_WAYS, join } from './join.js'

const GOOD = 'token=123'
const BAD = 'token=1'

const decided = (verdicts: readonly Decided[], protocol: string, query: string): string => {
  const found = verdicts.filter(({ request }) => request.protocol === protocol && request.query === query)
  expect(found, `verdicts for ${protocol} ${query}`).to.have.length(1)
  return `${found[0]!.verdict.allowed ? 'allow' : 'deny'} by ${found[0]!.verdict.source}`
}

for (const defaultAction of ['deny', 'allow'] as const) {
  const asDefault = (verdict: string): string => verdict === 'outage' ? `${defaultAction} by default` : verdict

  describe(`a backend that fails, default action ${defaultAction}`, () => {
    const keep = cleanup()
    let arena: Arena
    let proxy: FaultyProxy
    before(async function () {
      this.timeout(60_000)
      arena = keep(await openArena({
        options: { defaultAction, timeoutMs: 1500, hlsIdleMs: 300, files: { vodIdleMs: 300 }, breaker: false },
        url: async (backend) => { proxy = keep(await createFaultyProxy(backend.port)); return proxy.url }
      }))
    })
    after(() => keep.run())

    const check = async (name: string, [good, bad]: readonly [string, string]): Promise<void> => {
      const asking = FOUR_WAYS.flatMap((way) => [[way, GOOD, asDefault(good)], [way, BAD, asDefault(bad)]] as const)
      const { result, verdicts } = await arena.unharmed(() => Promise.all(asking.map(([way, query]) => join(arena.ports, way, { name, query }))))
      for (const [index, [way, query, expected]] of asking.entries()) {
        const what = `${way} ${query}`
        expect(decided(verdicts, protocolOfWay(way), query), what).to.equal(expected)
        expect(result[index], what).to.equal(expected.startsWith('allow') ? 'in' : 'out')
      }
    }

    // Kept connections would go on over a refused port, so that case is below.
    for (const [fault, outcome] of FAULTS.filter(([{ is }]) => is !== 'refused')) {
      const expected = EXPECTED[outcome]
      it(`${nameOf(fault)}: ${expected.map(asDefault).join(', ')}; then all is well`, async () => {
        await proxy.set(fault)
        try {
          await check('target', expected)
        } finally {
          await proxy.set({ is: 'pass' })
        }
        const probes = arena.backend.probes.length
        await check('target', EXPECTED.verdicts)
        // A probe that the fault has met comes again; the next fault would make it one that is no good.
        if (outcome === 'outage') await until(() => arena.backend.probes.length > probes, 'the probe is answered again')
      })
    }

    it('a kept connection that dies under a question costs one retry, and a second death is an outage', async () => {
      await proxy.set({ is: 'pass' })
      await join(arena.ports, 'http-flv', { query: GOOD })
      await sleep(50)
      const before = proxy.requests()
      await proxy.set({ is: 'reset', at: 'request' })
      const start = Date.now()
      const { verdicts } = await arena.unharmed(() => join(arena.ports, 'http-flv', { query: GOOD }))
      expect(proxy.requests() - before, 'requests').to.equal(2)
      expect(decided(verdicts, 'http-flv', GOOD)).to.equal(`${defaultAction} by default`)
      expect(Date.now() - start, 'inside the budget').to.be.below(1500 + 3000)
      await proxy.set({ is: 'pass' })
    })

    it(`refused: ${EXPECTED.outage.map(asDefault).join(', ')}; then all is well`, async () => {
      // Kept connections would go on, so they are ended first.
      await proxy.set({ is: 'close-idle' })
      await check('target', EXPECTED.verdicts)
      await until(() => proxy.open() === 0, 'no connection is kept')
      await proxy.set({ is: 'refused' })
      try {
        await check('target', EXPECTED.outage)
      } finally {
        await proxy.set({ is: 'pass' })
      }
      await check('target', EXPECTED.verdicts)
    })

    it('that comes and goes: everybody is told something, and nobody what the backend did not say', async function () {
      this.timeout(60_000)
      const { verdicts, result } = await arena.unharmed(async () => {
        let over = false
        const flapping = (async () => {
          for (let up = false; !over; up = !up) {
            await proxy.set(up ? { is: 'pass' } : { is: 'reset', at: 'request' })
            await sleep(60)
          }
          await proxy.set({ is: 'pass' })
        })()
        const told = await Promise.all(Array.from({ length: 160 }, async (_, index) => {
          await sleep(index * 8)
          const query = `${index % 2 === 0 ? GOOD : BAD}&n=${index}`
          return { query, told: await join(arena.ports, FOUR_WAYS[index % 8 >> 1]!, { query }) }
        }))
        over = true
        await flapping
        return told
      })
      const kinds = new Set<string>()
      for (const { query, told } of result) {
        const { verdict } = verdicts.find(({ request }) => request.query === query)!
        const what = JSON.stringify({ query, told, verdict })
        expect(told, what).to.equal(verdict.allowed ? 'in' : 'out')
        expect(verdict.source, what).to.be.oneOf(['backend', 'default', 'unanswered', 'overload'])
        expect(verdict.allowed, what).to.equal(verdict.source === 'default' ? defaultAction === 'allow' : verdict.source === 'backend' && query.startsWith(`${GOOD}&`))
        kinds.add(verdict.source)
      }
      expect([...kinds], 'it was up').to.include('backend')
      expect(kinds.size, 'and it was down').to.be.above(1)
    })

    describe('at another address', () => {
      const servers = cleanup()
      /** Serves 200 to everybody, with this certificate. */
      const secure = async (certificate: 'expired.pem' | 'other-name.pem' | 'server.pem'): Promise<string> => {
        const server = createServer({ key: readFileSync(certificatePath('server.key')), cert: readFileSync(certificatePath(certificate)) }, (_, response) => { response.end() })
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
        servers({ close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve) }) })
        return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
      }
      after(() => servers.run())
      const ca = certificatePath('ca.pem')

      for (const [what, url, tls, expected] of [
        ['whose certificate is in order', () => secure('server.pem'), { ca }, EXPECTED.allows],
        ['whose certificate has expired', () => secure('expired.pem'), { ca }, EXPECTED.outage],
        ['whose certificate has another name', () => secure('other-name.pem'), { ca }, EXPECTED.outage],
        ['whose certificate nobody trusts', () => secure('server.pem'), {}, EXPECTED.outage],
        ['whose name is not found', () => Promise.resolve('http://nothing.invalid/'), {}, EXPECTED.outage]
      ] as const) {
        it(`${what}: ${expected.map(asDefault).join(', ')}`, async () => {
          // The running streams go on: they are not asked for again.
          await arena.attach({ url: await url(), tls, timeoutMs: 5000 })
          await check('nobody', expected)
        })
      }
    })
  })
}

