/**
 * A backend that costs as little as a backend can: it looks for the end of each request and says
 * 200 (or another status) after a while, so that what is measured is who asks.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { answer } from './answer.js'

const END = Buffer.from('\r\n\r\n')
let status = 200
let delayMs = 0
let silent = false
let answered = 0
const sockets = new Set<Socket>()

const respond = (socket: Socket, last: boolean): void => {
  if (socket.destroyed || silent) return
  answered += 1
  socket.write(`HTTP/1.1 ${status} ${status === 200 ? 'OK' : 'Forbidden'}\r\nContent-Length: 0\r\n${last ? 'Connection: close\r\n' : ''}\r\n`)
  if (last) socket.end()
}

const server = createServer({ noDelay: true, keepAlive: false }, (socket) => {
  sockets.add(socket)
  socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    let at = 0
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    for (let end = all.indexOf(END, at); end >= 0; end = all.indexOf(END, at)) {
      // nginx's rtmp module opens a connection for each request and waits until it is closed.
      const last = all[at] === 0x50 && /\r\nconnection: *close/i.test(all.toString('latin1', at, end))
      at = end + END.length
      if (delayMs === 0) respond(socket, last)
      else setTimeout(respond, delayMs, socket, last)
      if (last) at = all.length
    }
    rest = all.subarray(at)
  })
})

const orders = {
  start: () => new Promise<number>((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => resolve((server.address() as AddressInfo).port))
  }),
  /** How it answers from now on; `silent` never. */
  behave: (how: { status?: number, delayMs?: number, silent?: boolean }) => {
    ({ status = 200, delayMs = 0, silent = false } = how)
  },
  answered: () => answered,
  /** Drops every connection. */
  drop: () => { for (const socket of sockets) socket.destroy() }
}

export type BackendOrders = typeof orders
answer(orders)
