import { expect } from 'chai'
import type { AccessRequest } from '../../../lib/access/request.js'
import type { BackendSettings } from '../../../lib/access/settings.js'
import type { Backend } from '../../../lib/backend/backend.js'
import { failureOf, operatorText, type Failure } from '../../../lib/backend/failure.js'
import { BackendUnavailable } from '../../../lib/errors.js'
import { ask, backendFor, cleanup, forbidden, ok, outage, rawBackend, sleep, until, type Answer, type RawBackend } from './raw-backend.js'

const busyFor = (ms: number): void => {
  const end = Date.now() + ms
  while (Date.now() < end) { /* holds the event loop */ }
}
const resetAfter = (text: string): Answer => (socket) => {
  if (text === '') socket.resetAndDestroy()
  else socket.write(text, () => setTimeout(() => socket.resetAndDestroy(), 20))
}
const closeAfter = (text: string): Answer => (socket) => { socket.end(text) }

/** A port that nobody listens on. */
const closedPort = async (): Promise<number> => {
  const server = await rawBackend(() => undefined)
  await server.close()
  return server.port
}

describe('an outage', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  const serve = async (answer: Answer, change: Partial<BackendSettings> = {}): Promise<{ server: RawBackend, backend: Backend }> => {
    const server = keep(await rawBackend(answer))
    return { server, backend: keep(backendFor(server.url, { timeoutMs: 1500, ...change })) }
  }

  describe('is what ends before the final response\'s headers do', () => {
    const closed = /^connection closed by 127\.0\.0\.1:\d+ before an answer/
    const garbage = /^the answer of 127\.0\.0\.1:\d+ is not HTTP/
    const silent = /^no answer by 127\.0\.0\.1:\d+ within 1500 ms$/
    for (const [title, answer, message] of [
      ['a reset before the answer', resetAfter(''), closed],
      ['a reset inside the status line', resetAfter('HTTP/1.1 20'), closed],
      ['a reset inside the headers', resetAfter('HTTP/1.1 200 OK\r\nX-A: b\r\nX-'), closed],
      ['a reset after a 103', resetAfter('HTTP/1.1 103 Early Hints\r\n\r\n'), closed],
      ['a close before the answer', closeAfter(''), closed],
      ['a close inside the status line', closeAfter('HTTP/1.1 2'), closed],
      ['a close inside the headers', closeAfter('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n'), closed],
      ['a close after a 103', closeAfter('HTTP/1.1 103 Early Hints\r\n\r\n'), closed],
      ['HTTP/0.9', closeAfter('<html>200 OK</html>'), garbage],
      ['another protocol', closeAfter('SSH-2.0-OpenSSH_9.2\r\n'), garbage],
      ['status 2000', closeAfter('HTTP/1.1 2000 OK\r\n\r\n'), garbage],
      ['status 20', closeAfter('HTTP/1.1 20 OK\r\n\r\n'), garbage],
      ['status 2xx', closeAfter('HTTP/1.1 2xx OK\r\n\r\n'), garbage],
      ['HTTP/9.9', closeAfter('HTTP/9.9 200 OK\r\n\r\n'), garbage],
      ['a header without a name', closeAfter('HTTP/1.1 200 OK\r\n: x\r\n\r\n'), garbage],
      ['two lengths', closeAfter('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'), garbage],
      ['a header too large', closeAfter(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`), /too large$/],
      ['endless headers', (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        const more = setInterval(() => socket.write(`X-A: ${'a'.repeat(1000)}\r\n`), 2)
        socket.on('close', () => clearInterval(more))
      }, /too large$/],
      ['100 and then 200', closeAfter(`HTTP/1.1 100 Continue\r\n\r\n${ok}`), /unexpected 1xx/],
      ['a bare 100', closeAfter('HTTP/1.1 100 Continue\r\n\r\n'), /unexpected 1xx/],
      ['101', closeAfter('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'), /unexpected 1xx/],
      ['silence', () => undefined, silent],
      ['silence after half a status line', (socket) => { socket.write('HTTP/1.1 200') }, silent],
      ['silence inside the headers', (socket) => { socket.write('HTTP/1.1 200 OK\r\nX-A: b') }, silent],
      ['103 and then silence', (socket) => { socket.write('HTTP/1.1 103 Early Hints\r\n\r\n') }, silent],
      ['endless 103', (socket) => {
        const more = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 5)
        socket.on('close', () => clearInterval(more))
      }, silent],
      ['a status line of one byte a while', (socket) => {
        const text = [...ok]
        const more = setInterval(() => socket.write(text.shift() ?? ''), 60)
        socket.on('close', () => clearInterval(more))
      }, silent]
    ] as [string, Answer, RegExp][]) {
      it(title, async () => {
        const { server, backend } = await serve(answer)
        const error = await outage(ask(backend, { query: 'token=s3cret' }))
        expect(error.message).to.match(message).and.not.match(/token|s3cret/)
        if (message !== silent) expect(error.cause).to.be.an('error')
        await until(() => server.open() === 0, 'the connection is closed')
        expect(server.requests).to.have.lengthOf(1)
      })
    }
  })

  it('is a connection refused', async () => {
    const port = await closedPort()
    const error = await outage(ask(keep(backendFor(`http://127.0.0.1:${port}`))))
    expect(error).to.include({ code: 'ERR_BACKEND_UNAVAILABLE', message: `connection refused by 127.0.0.1:${port}` })
    expect(error.cause).to.have.property('code', 'ECONNREFUSED')
  })

  it('is a name that does not exist', async () => {
    const { message } = await outage(ask(keep(backendFor('http://name.invalid', { timeoutMs: 10_000 }))))
    expect(message).to.match(/^the name of name\.invalid:80 was not found \(E\w+\)$/)
  })

  it('is a connection that is not made in time, and nothing is left waiting for it', async () => {
    const server = keep(await rawBackend(() => undefined))
    // It takes the connection, and says nothing to the TLS handshake.
    const backend = keep(backendFor(`https://127.0.0.1:${server.port}`, { timeoutMs: 800, maxConnections: 2 }))
    const errors = await Promise.all(Array.from({ length: 5 }, () => outage(ask(backend))))
    for (const { message } of errors) expect(message).to.equal(`no connection to 127.0.0.1:${server.port} within 800 ms`)
    expect(backend.stats()).to.deep.equal([{ origin: `https://127.0.0.1:${server.port}`, answers: 0, waiting: 0 }])
    await until(() => server.open() === 0, 'no connection is left')
  })

  it('ends when the backend is back', async () => {
    let up = false
    const { backend } = await serve((socket) => { if (up) socket.write(ok); else socket.destroy() })
    for (let count = 0; count < 20; count += 1) await outage(ask(backend))
    up = true
    expect(await ask(backend)).to.include({ allowed: true })
  })

  it('never makes more connections than allowed, however many wait and fail', async () => {
    let most = 0
    const { server, backend } = await serve((socket) => {
      most = Math.max(most, server.open())
      setTimeout(() => socket.resetAndDestroy(), 5)
    }, { maxConnections: 3, timeoutMs: 2000 })
    await Promise.all(Array.from({ length: 60 }, () => outage(ask(backend))))
    expect(most, 'three, and one for the probe').to.be.within(1, 4)
    expect(server.requests).to.have.lengthOf(60)
  })

  describe('is not', () => {
    it('an answer that lay in the socket while our own event loop was busy', async () => {
      const { backend } = await serve((socket) => { socket.write(ok) }, { timeoutMs: 100 })
      await ask(backend)
      for (let count = 0; count < 5; count += 1) {
        await sleep(10)
        const verdict = ask(backend)
        // The request goes out, then nothing is read until long after the deadline.
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
        busyFor(200)
        expect(await verdict).to.include({ allowed: true })
      }
    })
    it('a connection that could not be made because our own event loop was busy', async () => {
      const { backend } = await serve((socket) => { socket.write(ok) }, { timeoutMs: 100 })
      const verdict = ask(backend)
      busyFor(300)
      expect(await verdict).to.include({ allowed: true })
    })
    it('a client that did not get its turn while the backend answers others: it is unanswered', async () => {
      const { server, backend } = await serve((socket) => { setTimeout(() => socket.write(forbidden), 120) }, { maxConnections: 1, timeoutMs: 300 })
      const verdicts = await Promise.all(Array.from({ length: 10 }, () => ask(backend)))
      expect(verdicts.filter(({ source }) => source === 'backend')).to.have.lengthOf(2)
      expect(verdicts.filter(({ source, allowed }) => source === 'unanswered' && !allowed), 'also the third, sent too late to be answered').to.have.lengthOf(8)
      await sleep(150)
      expect(server.requests, 'nothing is sent for whom nobody waits').to.have.length.within(3, 5)
    })
    it('but a client that did not get its turn while nobody is answered has met one', async () => {
      const { backend } = await serve(() => undefined, { maxConnections: 1 })
      await Promise.all(Array.from({ length: 5 }, () => outage(ask(backend))))
    })
    for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EADDRINUSE', 'EAGAIN', 'EAI_MEMORY']) {
      it(`${code}: our own lack denies`, () => {
        const own = Object.assign(new Error(code), { code })
        for (const error of [own, Object.assign(new AggregateError([new Error('other'), own]), { code: 'ECONNREFUSED' })]) {
          expect(failureOf(error, false)).to.include({ met: 'nothing' })
        }
      })
    }
    it('a bug: it stays what it is', () => {
      for (const error of [new TypeError('x is not a function'), Object.assign(new Error('path'), { code: 'UND_ERR_INVALID_ARG' })]) {
        expect(failureOf(error, false)).to.equal(error).and.not.be.instanceOf(BackendUnavailable)
      }
    })
    for (const [title, answer] of [
      ['closes the connection', closeAfter('')],
      ['resets the connection', resetAfter('')],
      ['answers in another way', closeAfter('<html>too large</html>')],
      ['does not answer', () => undefined],
      ['has a proxy that says 502', closeAfter('HTTP/1.1 502 Bad Gateway\r\n\r\n')]
    ] as [string, Answer][]) {
      it(`made by a client whose request is so large that the backend ${title}`, async () => {
        const server = keep(await rawBackend(answer, { probe: (socket) => { socket.write(forbidden) } }))
        const backend = keep(backendFor(server.url, { timeoutMs: 2500, unavailableStatuses: [502] }))
        // The second is small on the wire, but uWSGI holds its query twice.
        const large: Partial<AccessRequest>[] = [{ query: `token=s3cret${'a'.repeat(4000)}`, userAgent: 'b'.repeat(1000) }, { query: `token=s3cret${'a'.repeat(1800)}` }]
        for (const request of large) {
          const verdict = await ask(backend, request)
          expect(verdict).to.include({ allowed: false, source: 'unanswered' })
          expect(verdict.fault).to.match(/, while others are answered$/).and.not.match(/s3cret/)
        }
      })
    }
    it('hidden by a token as long as any portal makes it', async () => {
      const { backend } = await serve(closeAfter(''))
      await outage(ask(backend, { query: `token=${'a'.repeat(1200)}`, userAgent: 'b'.repeat(150) }))
    })
    it('hidden by the size of a request of which nothing was sent', async () => {
      await outage(ask(keep(backendFor(`http://127.0.0.1:${await closedPort()}`)), { query: 'a'.repeat(4096), userAgent: 'b'.repeat(1000) }))
    })
    it('a query or path too long to be asked about, and nothing is sent', async () => {
      const { server, backend } = await serve((socket) => { socket.write(ok) })
      for (const change of [{ query: 'a'.repeat(1_000_000) }, { path: `/${'a'.repeat(1_000_000)}` }, { path: '/live/\udfff' }]) {
        expect(await ask(backend, change)).to.include({ allowed: false, source: 'malformed' })
      }
      expect(server.requests).to.deep.equal([])
    })
  })

  it('says what failed without secrets', () => {
    for (const error of [new Error('GET http://u:pw@h/?token=s3cret failed'), Object.assign(new Error('x'), { code: 'token=s3cret' })]) {
      expect(operatorText(failureOf(error, false) as Failure, 'b:80')).not.to.match(/s3cret|pw/)
    }
  })
})
