import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { sleep } from './waiting.js'

/** A TCP proxy whose line gets slow, dies without a word, breaks, or leads to somebody else. */
export interface TcpProxy {
  readonly port: number
  /** What either side says arrives so much later, in milliseconds. */
  delay(ms: number): void
  /** Nothing passes any more on connections that are open, and none is closed; new ones are accepted and go nowhere. */
  cut(): void
  /** Resets all connections, and new ones as soon as they come. */
  refuse(): void
  /** Each command that a client sends is answered with the next of these, in turn, and goes nowhere. */
  garble(answers: readonly string[]): void
  /** New connections pass again; those that were cut stay dead. */
  mend(): void
  close(): Promise<void>
}

/** How many commands of Redis begin here: several may come in one piece. */
const commandsIn = (bytes: Buffer): number => bytes.toString('latin1').match(/\*\d+\r\n\$/g)?.length ?? 0

export const createTcpProxy = async (targetPort: number): Promise<TcpProxy> => {
  const sockets = new Set<Socket>()
  const dead = new WeakSet<Socket>()
  let delayMs = 0
  let isCut = false
  let isRefusing = false
  let garbage: readonly string[] = []
  let turn = 0
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  }
  const server = createServer((client) => {
    keep(client)
    if (isRefusing) {
      client.resetAndDestroy()
      return
    }
    if (isCut) {
      dead.add(client)
      client.resume()
      return
    }
    const target = keep(connect(targetPort, '127.0.0.1'))
    for (const [from, to] of [[client, target], [target, client]] as const) {
      // In their order, as TCP is, also when the line has just become faster.
      let line = Promise.resolve()
      const pass = (action: () => void): void => {
        const arrives = delayMs === 0 ? undefined : sleep(delayMs)
        line = line.then(() => arrives).then(action)
      }
      from.on('data', (bytes) => pass(() => {
        if (dead.has(from) || to.destroyed) return
        if (garbage.length === 0) to.write(bytes)
        else if (from === client) for (let left = commandsIn(bytes); left > 0; left -= 1) client.write(garbage[turn++ % garbage.length]!)
      }))
      from.on('close', () => pass(() => { if (!dead.has(from)) to.destroy() }))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    delay: (ms) => { delayMs = ms },
    cut() {
      isCut = true
      for (const socket of sockets) dead.add(socket)
    },
    refuse() {
      isRefusing = true
      for (const socket of sockets) socket.resetAndDestroy()
    },
    garble: (answers) => { garbage = answers },
    mend() {
      isCut = false
      isRefusing = false
      garbage = []
    },
    close: () => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resolve())
    })
  }
}
