import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Where in an answer something happens. */
export type Stage = 'accept' | 'request' | 'status' | 'headers' | 'body'

/**
 * What the proxy does to new connections, and to answers on the ones it has:
 * - `pass`: nothing
 * - `refused`: does not listen
 * - `black-hole`: accepts, reads, and never answers
 * - `reset`, `close`: ends the connection when it is accepted, when the request has come, inside
 *   the status line, inside the headers, or inside the body
 * - `slow`: passes the answer on byte by byte, one each `everyMs`
 * - `half-closed`: says that it will send no more, and goes on reading
 * - `garbage`: answers what is not HTTP
 * - `endless-headers`, `endless-body`: begin with a status 200
 * - `wrong-length`: answers with the status of the backend, announces more than it sends, and closes
 * - `close-idle`: ends a connection a moment after each answer although it was to be kept
 * - `die-on-reuse`: resets a connection when its second request comes
 */
export type Fault =
  | { readonly is: 'pass' | 'refused' | 'black-hole' | 'half-closed' | 'garbage' | 'endless-headers' | 'endless-body' | 'wrong-length' | 'close-idle' | 'die-on-reuse' }
  | { readonly is: 'reset' | 'close', readonly at: Stage }
  | { readonly is: 'slow', readonly everyMs: number }

/** A TCP proxy before an HTTP backend that breaks in the ways that networks and backends break. */
export interface FaultyProxy {
  readonly port: number
  readonly url: string
  /** Requests of clients that came, whatever became of them. */
  requests(): number
  /** Connections that are open now. */
  open(): number
  /** Resolves when the fault is in force; connections that are open stay. */
  set(fault: Fault): Promise<void>
  close(): Promise<void>
}

/** How much of an answer is passed on before its end at a stage, or all of it. */
const cutAt = (answer: Buffer, at: Stage): Buffer => {
  const head = answer.indexOf('\r\n\r\n')
  switch (at) {
    case 'accept': case 'request': return Buffer.alloc(0)
    case 'status': return answer.subarray(0, 'HTTP/1.1 2'.length)
    case 'headers': return answer.subarray(0, answer.indexOf('\r\n') + 4)
    // Into the body if there is one; if not, there is nothing to be cut there.
    case 'body': return answer.subarray(0, head + 5)
  }
}

const end = (socket: Socket, how: 'reset' | 'close', last: Buffer): void => {
  if (how === 'close') socket.end(last)
  else if (last.length === 0) socket.resetAndDestroy()
  // What was written must have been read before a reset discards it.
  else socket.write(last, () => setTimeout(() => socket.resetAndDestroy(), 20))
}

/** Writes again and again until the connection is gone. */
const forever = (socket: Socket, text: string, everyMs: number): void => {
  const timer = setInterval(() => { if (socket.writableLength < 1_000_000) socket.write(text) }, everyMs)
  socket.once('close', () => clearInterval(timer))
}

const byByte = (socket: Socket, answer: Buffer, everyMs: number): void => {
  let sent = 0
  const timer = setInterval(() => {
    if (sent >= answer.length) clearInterval(timer)
    else socket.write(answer.subarray(sent, sent += 1))
  }, everyMs)
  socket.once('close', () => clearInterval(timer))
}

const wrongLength = (answer: Buffer): string =>
  `${answer.toString('latin1').split('\r\n', 1)[0] ?? ''}\r\nContent-Length: 1000\r\n\r\nnot as long as that`

/** What is done with one whole answer of the backend. */
const pass = (client: Socket, answer: Buffer, fault: Fault): void => {
  switch (fault.is) {
    case 'reset': case 'close': return end(client, fault.is, cutAt(answer, fault.at))
    case 'slow': return byByte(client, answer, fault.everyMs)
    case 'wrong-length': client.end(wrongLength(answer)); return
    case 'close-idle': client.write(answer, () => setTimeout(() => client.end(), 5)); return
    case 'pass': case 'die-on-reuse': case 'refused': client.write(answer); return
    case 'black-hole': case 'half-closed': case 'garbage': case 'endless-headers': case 'endless-body': // Never asked for an answer.
  }
}

/** What is done with a request before the backend is asked; whether it is asked. */
const meet = (client: Socket, fault: Fault, requestsBefore: number): boolean => {
  switch (fault.is) {
    case 'black-hole': return false
    case 'half-closed': client.end(); return false
    case 'garbage': client.end('\0\x01garbage\r\n\r\n'); return false
    case 'endless-headers':
      client.write('HTTP/1.1 200 OK\r\n')
      forever(client, `X-Endless: ${'a'.repeat(500)}\r\n`, 2)
      return false
    case 'endless-body':
      client.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      forever(client, `200\r\n${'a'.repeat(512)}\r\n`, 2)
      return false
    case 'die-on-reuse':
      if (requestsBefore > 0) client.resetAndDestroy()
      return requestsBefore === 0
    case 'reset': case 'close':
      if (fault.at === 'request') end(client, fault.is, Buffer.alloc(0))
      return fault.at !== 'request'
    case 'pass': case 'refused': case 'slow': case 'wrong-length': case 'close-idle': return true
  }
}

/** Asks the backend over a connection of its own; resolves with all that it said. */
const fetchRaw = (port: number, request: string): Promise<Buffer> => new Promise((resolve, reject) => {
  const chunks: Buffer[] = []
  // So the end of the answer is the end of the connection.
  const backend = connect(port, '127.0.0.1', () => { backend.write(request.replace(/^connection:.*$/im, 'connection: close'), 'latin1') })
  backend.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
  backend.on('end', () => { if (chunks.length > 0) resolve(Buffer.concat(chunks)); else reject(new Error('no answer')) })
})

/** The client's connection is kept, whatever the backend said of its own, so the length must be told. */
const kept = (answer: Buffer): Buffer => {
  const at = answer.indexOf('\r\n\r\n')
  const lines = answer.toString('latin1', 0, at).split('\r\n')
  const others = lines.filter((line) => !/^(connection|keep-alive|content-length|transfer-encoding):/i.test(line))
  const chunked = lines.some((line) => /^transfer-encoding:/i.test(line))
  const length = chunked ? lines.filter((line) => /^transfer-encoding:/i.test(line)) : [`Content-Length: ${answer.length - at - 4}`]
  return Buffer.concat([Buffer.from([...others, ...length, '', ''].join('\r\n'), 'latin1'), answer.subarray(at + 4)])
}

/**
 * Listens on a port of 127.0.0.1, where it stays also when it refuses for a while.
 * @param backendPort where the backend that behaves listens on 127.0.0.1
 */
export const createFaultyProxy = async (backendPort: number): Promise<FaultyProxy> => {
  const clients = new Set<Socket>()
  let fault: Fault = { is: 'pass' }
  let requests = 0

  const serve = (client: Socket): void => {
    clients.add(client)
    client.on('error', () => undefined).on('close', () => clients.delete(client))
    if ((fault.is === 'reset' || fault.is === 'close') && fault.at === 'accept') return end(client.resume(), fault.is, Buffer.alloc(0))
    let text = ''
    let before = 0
    client.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
      for (let at = text.indexOf('\r\n\r\n'); at >= 0; at = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, at + 4)
        text = text.slice(at + 4)
        if (!/^x-session-id: probe-/im.test(request)) requests += 1
        if (!meet(client, fault, before++)) continue
        fetchRaw(backendPort, request).then((answer) => pass(client, kept(answer), fault), () => client.resetAndDestroy())
      }
    })
  }

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('end', () => client.end())
    serve(client)
  })
  const listen = (port: number): Promise<void> => new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => { server.off('error', reject); resolve() })
  })
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    open: () => clients.size,
    async set(next) {
      fault = next
      if (next.is === 'refused') {
        // Not awaited: a server has closed only when its last connection has.
        if (server.listening) server.close()
      } else if (!server.listening) await listen(port)
    },
    close: () => new Promise((resolve) => {
      for (const client of clients) client.destroy()
      if (server.listening) server.close(() => resolve())
      else resolve()
    })
  }
}
