import { expect } from 'chai'
import type { BackendSettings } from '../../../lib/access/settings.js'
import type { Backend } from '../../../lib/backend/backend.js'
import { ask, backendFor, cleanup, forbidden, ok, outage, rawBackend, until, type Answer, type RawBackend } from './raw-backend.js'

const status = (code: number, headers = ''): string => `HTTP/1.1 ${code} Text\r\n${headers}Content-Length: 0\r\n\r\n`
const write = (...pieces: string[]): Answer => (socket) => { socket.write(pieces.join('')) }

describe('the backend\'s answer', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  const serve = async (answer: Answer, change: Partial<BackendSettings> = {}): Promise<{ server: RawBackend, backend: Backend }> => {
    const server = keep(await rawBackend(answer))
    return { server, backend: keep(backendFor(server.url, change)) }
  }

  describe('only a final 200 allows', () => {
    for (const [title, answer, allowed, code] of [
      ['200', status(200), true, 200],
      ...[201, 202, 204, 206, 300, 304, 400, 401, 402, 403, 404, 407, 414, 429, 431, 500, 502, 503, 504, 600, 999]
        .map((denied) => [`${denied}`, denied === 204 || denied === 304 ? `HTTP/1.1 ${denied} Text\r\n\r\n` : status(denied), false, denied] as const),
      ...[301, 302, 303, 307, 308].map((denied) => [`${denied}, and the redirect is not followed`, status(denied, 'Location: /allowed\r\n'), false, denied] as const),
      ['103 and then 403', `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${forbidden}`, false, 403],
      ['103 and then 200', `HTTP/1.1 103 Early Hints\r\n\r\n${ok}`, true, 200],
      ['102, 103, 102 and then 401', `HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 102 P\r\n\r\n${status(401)}`, false, 401],
      ['200 of HTTP/1.0 without a length', 'HTTP/1.0 200 OK\r\n\r\nbody until the end', true, 200],
      ['200 without a reason phrase', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', true, 200]
    ] as const) {
      it(`${title}: ${allowed ? 'allow' : 'deny'}`, async () => {
        const { server, backend } = await serve((socket) => { socket.end(answer) })
        expect(await ask(backend)).to.include({ allowed, source: 'backend', status: code })
        expect(server.requests).to.have.lengthOf(1)
      })
    }

    it('status by status over connections that stay open', async () => {
      const codes = [200, 403, 204, 200, 500, 200]
      const { server, backend } = await serve((socket, _, index) => {
        socket.write(codes[index] === 204 ? 'HTTP/1.1 204 No\r\n\r\n' : status(codes[index] ?? 500))
      }, { maxConnections: 1 })
      for (const code of codes) expect(await ask(backend)).to.include({ allowed: code === 200, status: code })
      expect(server.sockets).to.have.lengthOf(1)
    })
  })

  it('a status that the operator calls unavailable is an outage, the others are not', async () => {
    const { backend } = await serve((socket, _, index) => { socket.write(status([502, 503, 500][index] ?? 200)) }, { unavailableStatuses: [502, 503] })
    expect((await outage(ask(backend))).message).to.match(/^127\.0\.0\.1:\d+ answered 502/)
    expect((await outage(ask(backend))).message).to.match(/answered 503/)
    expect(await ask(backend)).to.include({ allowed: false, status: 500 })
  })

  describe('what it says about an allow', () => {
    for (const [headers, verdict] of [
      ['X-AuthDuration: 36000', { validForMs: 36_000_000 }],
      ['x-authduration:0', { validForMs: 0 }],
      ['X-AUTHDURATION: 1.5', { validForMs: 1500 }],
      ['X-AuthDuration: -1', {}],
      ['X-AuthDuration: soon', {}],
      ['X-AuthDuration: 99999999999999', {}],
      ['X-AuthDuration: ', {}],
      ['X-UserId: 42', { userId: '42' }],
      ['x-userid: ann ä', { userId: 'ann ä' }],
      ['X-UserId:', {}],
      ['X-AuthDuration: 10\r\nX-Unique: true\r\nX-UserId: u1', { validForMs: 10_000, userId: 'u1', maxSessions: 1 }],
      ['X-Max-Sessions: 10\r\nX-Unique: true', { maxSessions: 10 }],
      ['X-Max-Sessions: 0\r\nX-Unique: true', { maxSessions: 0 }],
      ['X-Unique: 1', { maxSessions: 1 }],
      ['X-Unique: false', {}],
      ['X-Max-Sessions: -1', { fault: 'X-Max-Sessions: "-1" is no number of sessions' }],
      ['X-Max-Sessions: 1e9\r\nX-Unique: true', { maxSessions: 1, fault: 'X-Max-Sessions: "1e9" is no number of sessions' }]
    ] as const) {
      it(headers.replaceAll('\r\n', ', '), async () => {
        const { backend } = await serve((socket) => { socket.write(Buffer.from(status(200, `${headers}\r\n`))) })
        const { latencyMs, ...rest } = await ask(backend)
        expect(rest).to.deep.equal({ allowed: true, source: 'backend', reason: 'allowed by the backend', status: 200, ...verdict })
        expect(latencyMs).to.be.within(0, 1000)
      })
    }
    it('a denial has a duration of its own, and no user', async () => {
      const { backend } = await serve(write(status(403, 'X-AuthDuration: 10\r\nX-UserId: u1\r\n')))
      expect(await ask(backend)).to.include({ validForMs: 10_000 }).and.not.have.property('userId')
    })
  })

  describe('a redirect', () => {
    for (const [given, location] of [
      ['http://edge.example/s', 'http://edge.example/s'], ['HTTPS://Edge.example:8443/a?b=c#d', 'https://edge.example:8443/a?b=c#d'],
      ['http://edge.example/\u00e4', 'http://edge.example/%C3%A4'], ['/s', undefined], ['//edge.example/s', undefined], ['ftp://edge.example/s', undefined],
      ['javascript:alert(1)', undefined], ['http://', undefined], ['http://u:p@edge.example/', undefined], [`http://edge.example/${'x'.repeat(5000)}`, undefined]
    ] as const) {
      it(`to ${given.slice(0, 40)}: ${location === undefined ? 'denies' : `sends to ${location}`}`, async () => {
        for (const code of [301, 302, 303, 307, 308]) {
          const { backend } = await serve(write(Buffer.from(status(code, `Location: ${given}\r\n`)).toString()), { redirects: true })
          const verdict = await ask(backend)
          expect(verdict).to.include({ allowed: false, source: 'backend', status: code })
          expect(verdict.location).to.equal(location)
        }
      })
    }
    for (const [title, code, redirects] of [['is not asked for', 302, false], ['has another status', 300, true], ['has another status', 304, true], ['is none', 403, true]] as const) {
      it(`denies where it ${title} (${code})`, async () => {
        const { backend } = await serve(write(status(code, 'Location: http://edge.example/s\r\n')), { redirects })
        expect(await ask(backend)).to.include({ allowed: false }).and.not.have.property('location')
      })
    }
  })

  describe('a header that an allow must have', () => {
    for (const [headers, allowed] of [['X-UserId: 7\r\n', true], ['x-userid: 7\r\n', true], ['', false], ['X-UserId:\r\n', false], ['X-User: 7\r\n', false]] as const) {
      it(`${JSON.stringify(headers)}: ${allowed ? 'allow' : 'deny, as a fault of the backend'}`, async () => {
        const { backend } = await serve(write(status(200, headers)), { requireHeader: 'X-UserId' })
        const verdict = await ask(backend)
        expect(verdict).to.include({ allowed, source: 'backend', status: 200 })
        if (allowed) expect(verdict).not.to.have.property('fault')
        else expect(verdict).to.include({ reason: 'the backend answered status 200 without the header X-UserId', fault: 'status 200 without the header X-UserId' })
      })
    }
    it('is not asked of a denial', async () => {
      const { backend } = await serve(write(forbidden), { requireHeader: 'X-UserId' })
      expect(await ask(backend)).to.include({ allowed: false, status: 403 }).and.not.have.property('fault')
    })
  })

  describe('the body never delays a verdict that needs only the status', () => {
    for (const [title, answer] of [
      ['a stalled body', write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')],
      ['a body that never begins', write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')],
      ['a stalled chunk', write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab')],
      ['an endless body', (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        const more = setInterval(() => socket.write(`400\r\n${'a'.repeat(1024)}\r\n`), 5)
        socket.on('close', () => clearInterval(more))
      }],
      ['a body of a megabyte at once', write(`HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n${'a'.repeat(1_048_576)}`)],
      ['more bytes than announced', write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef')]
    ] as [string, Answer][]) {
      it(`${title}: allow at once, and the connection does not outlive the budget`, async () => {
        const { server, backend } = await serve(answer, { timeoutMs: 300 })
        expect(await ask(backend)).to.include({ allowed: true, status: 200 })
        await until(() => server.open() === 0, 'the connection is closed')
        expect(server.requests).to.have.lengthOf(1)
      })
    }
    for (const [title, answer] of [
      ['a body shorter than announced', (socket) => { socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc') }],
      ['a reset in the body', (socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', () => setTimeout(() => socket.resetAndDestroy(), 20)) }],
      ['garbage instead of a chunk', write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n')]
    ] as [string, Answer][]) {
      it(`${title} changes no verdict`, async () => {
        const { server, backend } = await serve(answer)
        expect(await ask(backend)).to.include({ allowed: true, status: 200 })
        await until(() => server.open() === 0, 'the connection is closed')
        expect(server.requests).to.have.lengthOf(1)
      })
    }
    it('a connection is kept once a small body has been read', async () => {
      const { server, backend } = await serve(write(`HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n${'a'.repeat(60_000)}`))
      for (let count = 0; count < 5; count += 1) {
        expect(await ask(backend)).to.include({ allowed: true })
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      expect(server.sockets).to.have.lengthOf(1)
    })
  })

  describe('a body that decides', () => {
    const json = (body: string, code = 200): string => `HTTP/1.1 ${code} Text\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    for (const [title, answer, allowed, reason] of [
      ['error 0', json('{"error": 0}'), true, 'allowed by the backend'],
      ['error 0 among others, with a byte order mark', json('\ufeff{"a":1,"error":0}'), true, 'allowed by the backend'],
      ['error 0 in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"err\r\n7\r\nor": 0}\r\n0\r\n\r\n', true, 'allowed by the backend'],
      ['error 1', json('{"error": 1}'), false, 'denied by the backend with error 1'],
      ['error -3', json('{"error": -3}'), false, 'denied by the backend with error -3'],
      ['error 0 as a text', json('{"error": "0"}'), false, /body/],
      ['error null', json('{"error": null}'), false, /body/],
      ['no error', json('{}'), false, /body/],
      ['an array', json('[0]'), false, /body/],
      ['null', json('null'), false, /body/],
      ['no JSON', json('<html>Fatal error</html>'), false, /body/],
      ['no body', json(''), false, /body/],
      ['JSON cut off by the end', 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"error": 0}', false, /body/],
      ['error 0 under status 403', json('{"error": 0}', 403), false, 'denied by the backend with status 403']
    ] as const) {
      it(`${title}: ${allowed ? 'allow' : 'deny'}`, async () => {
        const { backend } = await serve((socket) => { socket.end(Buffer.from(answer)) }, { denyBody: true })
        const verdict = await ask(backend)
        expect(verdict).to.include({ allowed, source: 'backend' })
        if (typeof reason === 'string') expect(verdict).to.include({ reason }).and.not.have.property('fault')
        else expect(verdict.reason).to.match(reason)
        if (typeof reason !== 'string') expect(verdict.fault).to.match(/^status 200 with a body that /)
      })
    }
    for (const [title, answer, fault] of [
      ['too large', write(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"error":0,"a":"${'a'.repeat(99_982)}"}`), 'is too large'],
      ['too late', write('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"error"'), 'did not come in time'],
      ['reset', (socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"err', () => setTimeout(() => socket.resetAndDestroy(), 20)) }, 'was cut off']
    ] as [string, Answer, string][]) {
      it(`${title}: deny, never an outage, and the connection is gone`, async () => {
        const { server, backend } = await serve(answer, { denyBody: true, timeoutMs: 200 })
        expect(await ask(backend)).to.include({ allowed: false, source: 'backend', status: 200, fault: `status 200 with a body that ${fault}` })
        await until(() => server.open() === 0, 'the connection is closed')
      })
    }
    it('keeps what the headers said, and does not wait for the body of a denial', async () => {
      const { backend } = await serve((socket, _, index) => {
        socket.write(index === 0 ? `HTTP/1.1 200 OK\r\nX-AuthDuration: 5\r\nContent-Length: 11\r\n\r\n{"error":0}` : 'HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n')
      }, { denyBody: true })
      expect(await ask(backend)).to.include({ allowed: true, validForMs: 5000 })
      expect(await ask(backend)).to.include({ allowed: false, status: 403 })
    })
  })
})
