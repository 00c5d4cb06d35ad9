import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import type { BackendSettings } from '../../../lib/access/settings.js'
import { connectOptions, type Backend } from '../../../lib/backend/backend.js'
import { ask, backendFor, cleanup, forbidden, ok, outage, rawBackend, sleep, until, type Answer, type RawBackend } from './raw-backend.js'

const file = (name: string): string => readFileSync(new URL(`../../support/tls/${name}`, import.meta.url), 'utf8')
const [ca, key, cert] = [file('ca.pem'), file('server.key'), file('server.pem')]

describe('a backend behind TLS', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  const serve = async (
    tls: Partial<BackendSettings['tls']>, { answer = (socket) => { socket.write(ok) }, options = {}, ...change }: { answer?: Answer, options?: TlsOptions } & Partial<BackendSettings> = {}
  ): Promise<{ server: RawBackend, backend: Backend }> => {
    const listener: Server = createServer({ key, cert, ...options }).on('tlsClientError', () => undefined)
    const server = keep(await rawBackend(answer, { server: listener, event: 'secureConnection', scheme: 'https' }))
    return { server, backend: keep(backendFor(server.url, { tls: { rejectUnauthorized: true, ...tls }, ...change })) }
  }

  it('is asked if its authority is trusted, over connections that are kept', async () => {
    const { server, backend } = await serve({ ca }, { answer: (socket, _, index) => { socket.write(index === 1 ? forbidden : ok) } })
    for (const allowed of [true, false, true]) {
      expect(await ask(backend)).to.include({ allowed, source: 'backend' })
      await sleep(10)
    }
    expect(server.sockets).to.have.lengthOf(1)
  })
  it('is asked by a name of its certificate', async () => {
    const { server } = await serve({})
    const backend = keep(backendFor(`https://localhost:${server.port}`, { tls: { ca, rejectUnauthorized: true } }))
    expect(await ask(backend)).to.include({ allowed: true })
  })
  for (const [title, pem, trusted, code, hint] of [
    ['untrusted', cert, {}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls\\.ca'],
    ['expired', file('expired.pem'), { ca }, 'CERT_HAS_EXPIRED', 'expired'],
    ['another\'s', file('other-name.pem'), { ca }, 'ERR_TLS_CERT_ALTNAME_INVALID', 'another name']
  ] as const) {
    it(`with a certificate that is ${title} is an outage, and nothing was sent`, async () => {
      const { server, backend } = await serve(trusted, { options: { cert: pem } })
      const error = await outage(ask(backend))
      expect(error.message).to.match(new RegExp(`^no TLS with 127\\.0\\.0\\.1:${server.port}: ${code}; .*${hint}`))
      expect(error.forClients).to.equal(`no TLS with the backend: ${code}`)
      expect(error.cause).to.have.property('code', code)
      expect(server.requests).to.deep.equal([])
      await until(() => server.open() === 0, 'the connection is closed')
    })
    it(`with a certificate that is ${title} is asked if the operator does not mind`, async () => {
      const { backend } = await serve({ ...trusted, rejectUnauthorized: false }, { options: { cert: pem } })
      expect(await ask(backend)).to.include({ allowed: true })
    })
  }
  it('is shown the operator\'s certificate', async () => {
    const options = { requestCert: true, rejectUnauthorized: true, ca }
    expect(await ask((await serve({ ca, cert, key }, { options })).backend)).to.include({ allowed: true })
    await outage(ask((await serve({ ca }, { options })).backend))
  })
  it('that speaks no TLS is an outage', async () => {
    const plain = keep(await rawBackend(() => undefined))
    const backend = keep(backendFor(`https://127.0.0.1:${plain.port}`, { timeoutMs: 500 }))
    const error = outage(ask(backend))
    const answering = setInterval(() => { for (const socket of plain.sockets.splice(0)) socket.write('HTTP/1.1 400 Bad Request\r\n\r\n') }, 5)
    try {
      expect((await error).message).to.match(/^no TLS with 127\.0\.0\.1:\d+: \w+; that port does not speak TLS$/)
    } finally {
      clearInterval(answering)
    }
  })
  it('that is asked without TLS is an outage', async () => {
    const { server } = await serve({})
    await outage(ask(keep(backendFor(`http://127.0.0.1:${server.port}`))))
  })
  it('answers in time even if our own event loop was busy at the deadline', async () => {
    const { backend } = await serve({ ca }, { timeoutMs: 100 })
    await ask(backend)
    for (let count = 0; count < 5; count += 1) {
      await sleep(10)
      const verdict = ask(backend)
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      const end = Date.now() + 200
      while (Date.now() < end) { /* holds the event loop */ }
      expect(await verdict).to.include({ allowed: true })
    }
  })
  it('gets exactly one retry when a kept connection dies', async () => {
    const { server, backend } = await serve({ ca }, { answer: (socket, _, index) => { if (index === 0) socket.write(ok); else socket.destroy() }, maxConnections: 1 })
    await ask(backend)
    await sleep(10)
    await outage(ask(backend))
    expect(server.requests).to.have.lengthOf(3)
  })
  it('connectOptions() are what tls.connect takes', () => {
    expect(connectOptions({ tls: { ca, rejectUnauthorized: false } })).to.deep.equal({ ca, rejectUnauthorized: false })
  })
})
