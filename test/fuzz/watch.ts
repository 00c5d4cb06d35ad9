import type { Server, Socket } from 'node:net'
import type { TestServer } from '../support/server.js'

/** A client, as far as the server's process must know it to wait for it. */
export interface Watched { readonly port: number, readonly sent: number }

/** What the server's process keeps for these tests. */
interface Watch {
  /** By the client's port; those that are there. */
  readonly sockets: Map<number, Socket>
  readonly accepted: Set<number>
  /** By session. */
  readonly ports: Map<string, number>
  /** Media that entered a stream: who holds its publisher's slot, and its path. */
  readonly packets: Set<string>
  /** HTTP requests and upgrades that are not answered: whether one is by now. */
  readonly unanswered: Set<() => boolean>
}

/** Has the server note whose bytes it has read, which session is whose and what media goes into new streams. */
export const watch = (server: TestServer): Promise<void> => server.evaluate(({ nms, context, state }) => {
  const own: Watch = { sockets: new Map(), accepted: new Set(), ports: new Map(), packets: new Set(), unanswered: new Set() }
  state['watch'] = own
  const accept = (socket: Socket): void => {
    const port = socket.remotePort ?? 0
    own.accepted.add(port)
    own.sockets.set(port, socket.once('close', () => own.sockets.delete(port)))
  }
  const { sessions, broadcasts } = context
  const { httpServer } = nms.httpServer as { httpServer: Server }
  nms.rtmpServer.tcpServer?.prependListener('connection', accept)
  httpServer.prependListener('connection', accept)
  const began = (res: { destroyed: boolean, writableFinished: boolean }, socket: Socket, complete: () => boolean): void => {
    const at = Date.now()
    own.unanswered.add(() => res.destroyed || res.writableFinished || socket.destroyed || (!complete() && Date.now() > at + 1000) ||
      [...sessions.values()].some((session) => 'req' in session && (session.req as { socket: Socket }).socket === socket))
  }
  httpServer.prependListener('request', (req: { socket: Socket, complete: boolean }, res: Parameters<typeof began>[0]) =>
    began(res, req.socket, () => req.complete))
  httpServer.prependListener('upgrade', (_: object, socket: Socket) => began(socket, socket, () => true))

  const [setSession, setBroadcast] = [sessions.set, broadcasts.set]
  sessions.set = (id, session) => {
    own.ports.set(session.id, Number(session.ip.split(':').at(-1)))
    return setSession.call(sessions, id, session)
  }
  // What those see who watch a stream that behaves is checked there.
  const behaving = new Set(broadcasts.values())
  broadcasts.set = (path, broadcast) => {
    const watched = broadcast as typeof broadcast & { publishGraceMs: number, broadcastMessage: (packet: unknown) => void }
    if (!behaving.has(broadcast) && watched.publishGraceMs > 0) {
      const { broadcastMessage } = watched
      // Whoever comes back within half a minute would find its place kept.
      watched.publishGraceMs = 0
      watched.broadcastMessage = (packet) => {
        own.packets.add(`${watched.publisher?.id} ${path}`)
        broadcastMessage(packet)
      }
    }
    return setBroadcast.call(broadcasts, path, broadcast)
  }
})

/** Waits until the server has read what was sent, or cut who sent it. */
export const untilRead = (server: TestServer, clients: readonly Watched[]): Promise<void> => server.evaluate(async ({ state }, sent) => {
  const { sockets, accepted } = state['watch'] as Watch
  const isRead = ([port, bytes]: [number, number]): boolean => {
    const socket = sockets.get(port)
    return socket === undefined ? accepted.has(port) : socket.bytesRead >= bytes || socket.isPaused() || socket.destroyed
  }
  const end = Date.now() + 60_000
  while (!sent.every(isRead)) {
    if (Date.now() > end) throw new Error(`not read within a minute: ${JSON.stringify(sent.filter((each) => !isRead(each)))}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}, clients.map(({ port, sent }): [number, number] => [port, sent]))

/** Waits until no question is on its way (each has a timer for its budget), and no HTTP request unanswered. */
export const untilDecided = (server: TestServer): Promise<void> => server.evaluate(async ({ state }) => {
  const timers = state['timers'] as Map<unknown, string>
  const { unanswered } = state['watch'] as Watch
  const isBusy = (): boolean => {
    for (const isAnswered of unanswered) if (isAnswered()) unanswered.delete(isAnswered)
    return unanswered.size > 0 || [...timers.values()].some((place) => place.includes('lib/backend'))
  }
  const end = Date.now() + 60_000
  while (isBusy()) {
    if (Date.now() > end) throw new Error(`a question or ${unanswered.size} requests are not answered within a minute`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
})

export interface Notes {
  /** The client's port, by session. */
  readonly ports: ReadonlyMap<string, number>
  /** Publishers and paths of streams into which media went. */
  readonly packets: readonly string[]
  /** What the server has sent to those that are still there, in bytes by the client's port. */
  readonly written: ReadonlyMap<number, number>
}

/** Tells what was noted, and begins anew. */
export const takeNotes = async (server: TestServer): Promise<Notes> => {
  const { ports, written, packets } = await server.evaluate(({ state }) => {
    const own = state['watch'] as Watch
    const written = [...own.sockets].map(([port, socket]): [number, number] => [port, socket.bytesWritten])
    const notes = { ports: [...own.ports], packets: [...own.packets], written }
    for (const notebook of [own.ports, own.packets, own.accepted]) notebook.clear()
    return notes
  })
  return { ports: new Map(ports), written: new Map(written), packets }
}
