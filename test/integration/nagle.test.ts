import { expect } from 'chai'
import type { Socket } from 'node:net'
import { openClient, type AnyClient } from '../support/clients.js'
import { keepPublishing } from '../support/media.js'
import type { Inside } from '../support/server.js'
import { withServer } from '../support/with-server.js'

/** A change of a connection's Nagle's algorithm, and how much its session had sent by then. */
interface Change { readonly isOff: boolean, readonly outBytes: number }

/** Writes down what becomes of Nagle's algorithm on each connection, by the client's port. */
const watchNagle = ({ nms, context, state }: Inside): void => {
  const changes: Record<number, Change[]> = state['changes'] = {}
  const watch = (socket: Socket): void => {
    const own = changes[socket.remotePort ?? 0] = [] as Change[]
    const setNoDelay = socket.setNoDelay.bind(socket)
    socket.setNoDelay = (isOff = true) => {
      const session = [...context.sessions.values()].find((each) => 'socket' in each && each.socket === socket)
      own.push({ isOff, outBytes: session?.outBytes ?? 0 })
      return setNoDelay(isOff)
    }
  }
  nms.rtmpServer.tcpServer?.prependListener('connection', watch)
  nms.rtmpServer.tlsServer?.prependListener('secureConnection', watch)
}

describe('Nagle\'s algorithm', () => {
  const { backend, server, keep } = withServer()
  before(async () => {
    await server.evaluate(watchNagle)
  })

  for (const speech of ['rtmp', 'rtmps'] as const) {
    const open = async (action: AnyClient['action'], streamPath: string, query = 'token=123'): Promise<AnyClient> =>
      keep(await openClient({ ports: server.ports, speech, action, streamPath, query }))
    /** To be called while the connection is open; what it returns may be called later, too. */
    const watcherOf = ({ rtmp }: AnyClient): () => Promise<Change[]> => {
      const port = rtmp?.wire.socket.localPort ?? 0
      return () => server.evaluate(({ state }, of: number) => (state['changes'] as Record<number, Change[]>)[of] ?? [], port)
    }

    it(`is off while a ${speech} player waits, for the backend and for its stream, and on once media was sent`, async () => {
      const streamPath = `/live/${speech}`
      backend.answer({ status: 200, hold: true })
      const player = await open('play', streamPath)
      const changes = watcherOf(player)
      await backend.waitFor(({ headers }) => headers['x-real-path'] === streamPath)
      expect(await changes()).to.deep.equal([{ isOff: true, outBytes: 0 }])
      backend.release()
      backend.reset()
      expect(await player.told).to.equal('yes')
      expect(await changes()).to.deep.equal([{ isOff: true, outBytes: 0 }])

      const publisher = await open('publish', streamPath)
      keep(keepPublishing(publisher))
      await player.waitForMedia()
      const [, ...since] = await changes()
      expect(since.map(({ isOff }) => isOff)).to.deep.equal([false])
      expect(since[0]?.outBytes).to.be.greaterThan(0)
      expect((await watcherOf(publisher)()).map(({ isOff }) => isOff)).to.deep.equal([true, false])
    })

    it(`stays off for a ${speech} client that is refused`, async () => {
      const client = await open('play', `/live/refused-${speech}`, 'token=no')
      const changes = watcherOf(client)
      expect(await client.told).to.equal('no')
      expect(await changes()).to.deep.equal([{ isOff: true, outBytes: 0 }])
    })
  }
})
