import { expect } from 'chai'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BackendUnavailable } from '../../../lib/errors.js'
import { EXPECTED, FAULTS, nameOf } from '../../support/faults.js'
import { createFaultyProxy, type FaultyProxy } from '../../support/faulty-proxy.js'
import { ask, backendFor, cleanup, sleep, until } from './raw-backend.js'

/** An HTTP server that allows `token=123` and denies everybody else, with a body either way. */
const portal = async (): Promise<{ port: number, close(): Promise<void> }> => {
  const server = createServer((request, response) => {
    response.writeHead(request.url?.includes('token=123') ? 200 : 403, { 'X-UserId': '7' }).end('some text')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => resolve()) })
  }
}

describe('a network or backend that breaks', () => {
  const keep = cleanup()
  let proxy: FaultyProxy
  beforeEach(async () => { proxy = keep(await createFaultyProxy(keep(await portal()).port)) })
  afterEach(() => keep.run())

  const outcome = async (backend: ReturnType<typeof backendFor>, query: string): Promise<string> => {
    try {
      const { allowed, source } = await ask(backend, { query })
      return `${allowed ? 'allow' : 'deny'} by ${source}`
    } catch (error) {
      return error instanceof BackendUnavailable ? 'outage' : String(error)
    }
  }

  for (const [fault, outcomeOf] of FAULTS) {
    const expected = EXPECTED[outcomeOf]
    it(`${nameOf(fault)}: ${expected.join(', ')}; all is well once it is over, and nothing is left`, async () => {
      // Only who gets no answer has to wait until the time is up; a slow answer may take what a busy machine needs.
      const backend = keep(backendFor(proxy.url, { timeoutMs: outcomeOf === 'outage' ? 1200 : 8000 }))
      await proxy.set(fault)
      const got = await Promise.all([outcome(backend, 'token=123'), outcome(backend, 'token=1')])
      await sleep(50)
      got.push(await outcome(backend, 'token=123'), await outcome(backend, 'token=1'))
      expect(got).to.deep.equal([...expected, ...expected])
      await proxy.set({ is: 'pass' })
      expect([await outcome(backend, 'token=123'), await outcome(backend, 'token=1')]).to.deep.equal(EXPECTED.verdicts)
      await backend.close()
      await until(() => proxy.open() === 0, 'every connection is closed')
    })
  }

  for (const at of ['accept', 'request', 'status', 'headers'] as const) {
    it(`a reset (${at}) that comes between two requests of kept connections costs one retry each at most`, async () => {
      const backend = keep(backendFor(proxy.url, { maxConnections: 2 }))
      // Whether a reset at accept is seen before or after the connection is made is a matter of luck.
      for (let round = 0; round < 10; round += 1) {
        await proxy.set({ is: 'pass' })
        await Promise.all([outcome(backend, 'token=123'), outcome(backend, 'token=123')])
        await sleep(20)
        await proxy.set({ is: 'reset', at })
        const before = proxy.requests()
        expect(await Promise.all([outcome(backend, 'token=123'), outcome(backend, 'token=123')])).to.satisfy((got: string[]) => got.every((each) => ['outage', 'deny by overload'].includes(each)))
        expect(proxy.requests() - before).to.be.at.most(4)
      }
    })
  }
})
