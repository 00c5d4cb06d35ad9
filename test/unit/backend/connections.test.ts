import { expect } from 'chai'
import type { Backend } from '../../../lib/backend/backend.js'
import { ask, backendFor, cleanup, forbidden, ok, outage, rawBackend, sleep, until, type Answer, type RawBackend } from './raw-backend.js'

describe('connections to the backend', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  const serve = async (answer: Answer, change: Parameters<typeof backendFor>[1] = {}): Promise<{ server: RawBackend, backend: Backend }> => {
    const server = keep(await rawBackend(answer))
    return { server, backend: keep(backendFor(server.url, { timeoutMs: 500, maxConnections: 1, ...change })) }
  }
  /** For what must not be late on a slow machine: after a quarter of the time the probe would come, too. */
  const PATIENT = { timeoutMs: 20_000 }
  /** Lets the connection be free again. */
  const rest = (): Promise<void> => sleep(10)

  describe('a kept connection that dies before the first byte of the answer', () => {
    const deaths: [string, Answer][] = [
      ['reset', (socket) => socket.resetAndDestroy()],
      ['closed', (socket) => { socket.end() }]
    ]
    for (const [title, die] of deaths) {
      it(`${title}: one retry on a fresh one`, async () => {
        const { server, backend } = await serve((socket, _, index) => { if (index === 1) die(socket, _, index); else socket.write(ok) }, PATIENT)
        await ask(backend)
        await rest()
        expect(await ask(backend)).to.include({ allowed: true, source: 'backend' })
        expect(server.requests).to.have.lengthOf(3)
        expect(server.requests[1]).to.equal(server.requests[2])
        expect(server.sockets).to.have.lengthOf(2)
      })
      it(`${title}: exactly one retry`, async () => {
        const { server, backend } = await serve((socket, _, index) => { if (index > 0) die(socket, _, index); else socket.write(ok) })
        await ask(backend)
        await rest()
        expect((await outage(ask(backend))).message).to.match(/^connection closed by/)
        expect(server.requests).to.have.lengthOf(3)
      })
      it(`${title}, and all other idle ones as well: the retry uses none of them`, async () => {
        let dead = false
        const old = new Set<unknown>()
        const { server, backend } = await serve((socket, _, index) => {
          if (dead && old.has(socket)) return die(socket, _, index)
          old.add(socket)
          setTimeout(() => socket.write(ok), dead ? 0 : 30)
        }, { maxConnections: 4 })
        await Promise.all([1, 2, 3, 4].map(() => ask(backend)))
        await rest()
        dead = true
        old.clear()
        for (const socket of server.sockets) old.add(socket)
        expect(await ask(backend)).to.include({ allowed: true })
        expect(server.requests).to.have.lengthOf(6)
      })
      it(`a fresh one that is ${title} gets no retry`, async () => {
        const { server, backend } = await serve((socket, text, index) => die(socket, text, index))
        await outage(ask(backend))
        expect(server.requests).to.have.lengthOf(1)
      })
    }
    it('the retry has only what is left of the budget', async () => {
      const { server, backend } = await serve((socket, _, index) => {
        if (index === 0) socket.write(ok)
        else if (index === 1) setTimeout(() => socket.resetAndDestroy(), 1800)
      }, { timeoutMs: 2000 })
      await ask(backend)
      await rest()
      const start = performance.now()
      expect((await outage(ask(backend))).message).to.match(/^no answer by .* within 2000 ms$/)
      expect(performance.now() - start, '3800, were the retry given a budget of its own').to.be.within(1990, 3700)
      expect(server.requests).to.have.lengthOf(3)
    })
    it('but one that dies after the first byte gets none', async () => {
      const { server, backend } = await serve((socket, _, index) => {
        if (index === 0) socket.write(ok)
        else socket.write('HTTP/1.1 2', () => setTimeout(() => socket.resetAndDestroy(), 20))
      })
      await ask(backend)
      await rest()
      await outage(ask(backend))
      expect(server.requests).to.have.lengthOf(2)
    })
    for (const [title, fault] of [['silence', () => undefined], ['garbage', (socket) => { socket.write('garbage\r\n') }]] as [string, Answer][]) {
      it(`nor does ${title}`, async () => {
        const { server, backend } = await serve((socket, text, index) => { if (index === 0) socket.write(ok); else fault(socket, text, index) }, { timeoutMs: 800 })
        await ask(backend)
        await rest()
        await outage(ask(backend))
        expect(server.requests).to.have.lengthOf(2)
      })
    }
  })

  it('one that the backend closed while idle is not used, and costs no second request', async () => {
    const { server, backend } = await serve((socket) => { socket.end(ok.replace('\r\n\r\n', '\r\nConnection: keep-alive\r\n\r\n')) })
    for (let count = 0; count < 5; count += 1) expect(await ask(backend)).to.include({ allowed: true })
    expect(server.requests).to.have.lengthOf(5)
  })

  it('an answer that nobody asked for is no answer to the next question', async () => {
    const { server, backend } = await serve((socket, _, index) => { socket.write(index === 0 ? forbidden + ok : forbidden) })
    for (let count = 0; count < 3; count += 1) {
      expect(await ask(backend)).to.include({ allowed: false, status: 403 })
      await rest()
    }
    expect(server.requests).to.have.lengthOf(3)
  })

  it('are at most as many as allowed', async () => {
    let most = 0
    const { server, backend } = await serve((socket) => {
      most = Math.max(most, server.open())
      setTimeout(() => socket.write(ok), 5)
    }, { maxConnections: 4, timeoutMs: 3000 })
    await Promise.all(Array.from({ length: 100 }, () => ask(backend)))
    expect(most).to.equal(4)
    expect(server.sockets).to.have.lengthOf(4)
  })

  it('are at most as many as allowed also while none can be made', async () => {
    let most = 0
    const { server } = await serve(() => undefined)
    const backend = keep(backendFor(`https://127.0.0.1:${server.port}`, { maxConnections: 2, timeoutMs: 5000 }))
    const timer = setInterval(() => {
      most = Math.max(most, server.open())
      // It takes connections and ends them in the TLS handshake.
      for (const socket of server.sockets.splice(0)) setTimeout(() => socket.destroy(), 20)
    }, 2)
    const outages: Promise<unknown>[] = []
    for (let count = 0; count < 30; count += 1) {
      outages.push(outage(ask(backend)))
      await sleep(5)
    }
    await Promise.all(outages)
    clearInterval(timer)
    expect(most, 'two, and one for the probe').to.equal(3)
  })

  it('are not made for whom nobody waits', async () => {
    const { server } = await serve(() => undefined)
    const backend = keep(backendFor(`https://127.0.0.1:${server.port}`, { maxConnections: 1, timeoutMs: 600 }))
    const first = outage(ask(backend))
    const leavers = [1, 2, 3].map(() => {
      const leaver = new AbortController()
      const verdict = ask(backend, {}, leaver.signal).catch(({ message }: Error) => message)
      leaver.abort(new Error('left'))
      return verdict
    })
    expect(await Promise.all(leavers)).to.deep.equal(['left', 'left', 'left'])
    await first
    await sleep(50)
    expect(server.sockets, 'the first one\'s, and the probes\'').to.have.length.within(2, 3)
  })

  describe('a client that leaves', () => {
    it('while it is queued is forgotten at once, and nothing is sent', async () => {
      const { server, backend } = await serve((socket) => { setTimeout(() => socket.write(ok), 50) })
      const first = ask(backend)
      const leaver = new AbortController()
      const second = ask(backend, { query: 'leaver' }, leaver.signal)
      const third = ask(backend, { query: 'third' })
      const why = new Error('left')
      leaver.abort(why)
      expect(await second.catch((error: unknown) => error)).to.equal(why)
      expect(await first).to.include({ allowed: true })
      expect(await third).to.include({ allowed: true })
      expect(server.requests.join()).not.to.include('leaver')
      expect(server.sockets, 'forgetting costs no connection').to.have.lengthOf(1)
    })
    it('before it is asked for', async () => {
      const { server, backend } = await serve((socket) => { socket.write(ok) })
      const why = new Error('left')
      expect(await ask(backend, {}, AbortSignal.abort(why)).catch((error: unknown) => error)).to.equal(why)
      expect(server.sockets).to.deep.equal([])
    })
    it('while the connection is being made: nothing is sent, and the connection serves the next', async () => {
      const { server, backend } = await serve((socket) => { socket.write(ok) })
      const leaver = new AbortController()
      const verdict = ask(backend, {}, leaver.signal)
      leaver.abort(new Error('left'))
      expect(await verdict.catch(({ message }: Error) => message)).to.equal('left')
      expect(await ask(backend)).to.include({ allowed: true })
      expect(server.requests).to.have.lengthOf(1)
      expect(server.sockets).to.have.lengthOf(1)
    })
    it('after its request was sent: the answer is taken and the connection kept', async () => {
      const { server, backend } = await serve((socket) => { setTimeout(() => socket.write(ok), 50) })
      for (let count = 0; count < 5; count += 1) {
        const leaver = new AbortController()
        const verdict = ask(backend, {}, leaver.signal)
        await until(() => server.requests.length > count, 'the request arrives')
        leaver.abort(new Error('left'))
        expect(await verdict).to.include({ allowed: true })
        await rest()
      }
      expect(server.sockets).to.have.lengthOf(1)
    })
    it('leaves no listener behind', async () => {
      const { backend } = await serve((socket) => { setTimeout(() => socket.write(ok), 5) })
      const signal = new AbortController().signal
      let listeners = 0
      const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
      Object.assign(signal, {
        addEventListener: (...args: Parameters<typeof add>) => { listeners += 1; add(...args) },
        removeEventListener: (...args: Parameters<typeof remove>) => { listeners -= 1; remove(...args) }
      })
      await Promise.all(Array.from({ length: 8 }, () => ask(backend, {}, signal)))
      expect(listeners).to.equal(0)
    })
  })

  describe('close()', () => {
    it('waits for no answer: who waits for one, on a connection or for one, is denied, and so is who comes later', async () => {
      const { server, backend } = await serve(() => undefined, { timeoutMs: 60_000, maxConnections: 2 })
      const verdicts = [ask(backend), ask(backend), ask(backend)]
      await until(() => server.open() === 2, 'they are asked for')
      await backend.close()
      for (const verdict of await Promise.all([...verdicts, ask(backend)])) expect(verdict).to.include({ allowed: false, source: 'overload' })
      expect(backend.stats()[0]).to.include({ waiting: 0 })
      await until(() => server.open() === 0, 'every connection is closed')
      await backend.close()
    })
    it('does not wait for a body, an idle connection, or one that is still being made', async () => {
      const { server, backend } = await serve((socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n') }, { timeoutMs: 60_000 })
      await ask(backend)
      await backend.close()
      await until(() => server.open() === 0, 'every connection is closed')

      const silent = backendFor(`https://127.0.0.1:${server.port}`, { timeoutMs: 60_000 })
      const verdict = ask(silent)
      await until(() => server.open() === 1, 'the connection is being made')
      await silent.close()
      expect(await verdict).to.include({ allowed: false, source: 'overload' })
      await until(() => server.open() === 0, 'every connection is closed')
    })
  })

  it('stats() says how each backend has been doing', async () => {
    let time = 1000
    const server = keep(await rawBackend((socket) => { time += 40; socket.write(forbidden) }))
    const backend = keep(backendFor([server.url, 'http://127.0.0.1:1/'], {}, { now: () => time }))
    expect(await ask(backend)).to.include({ latencyMs: 40 })
    time += 5
    expect(backend.stats()).to.deep.equal([
      { origin: server.url, answers: 1, waiting: 0, latencyMs: 40, sinceAnswerMs: 5 },
      { origin: 'http://127.0.0.1:1', answers: 0, waiting: 0 }
    ])
  })
})
