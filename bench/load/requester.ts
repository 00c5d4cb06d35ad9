import { connect, type Socket } from 'node:net'

const END = Buffer.from('\r\n\r\n')

/** One keep-alive connection that asks for one thing at a time and throws the answer away. */
export class Requester {
  private readonly socket: Socket
  private left = -1
  private head: Buffer = Buffer.alloc(0)
  private status = 0
  private resolve: ((status: number) => void) | undefined
  private reject: ((error: Error) => void) | undefined

  constructor(readonly port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('data', (bytes: Buffer) => this.take(bytes))
    this.socket.on('error', (error) => this.reject?.(error))
    this.socket.on('close', () => this.reject?.(new Error('the server closed a connection that it should keep')))
  }

  /** @returns the status */
  get(target: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
      this.socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\nUser-Agent: bench\r\n\r\n`)
    })
  }

  close(): void {
    this.reject = undefined
    this.socket.destroy()
  }

  private take(bytes: Buffer): void {
    if (this.left < 0) {
      const all = this.head.length === 0 ? bytes : Buffer.concat([this.head, bytes])
      const end = all.indexOf(END)
      if (end < 0) {
        this.head = all
        return
      }
      const text = all.toString('latin1', 0, end)
      const [, length] = /\r\ncontent-length: (\d+)/i.exec(text) ?? []
      if (length === undefined) return this.reject?.(new Error(`an answer without a length: ${text}`))
      this.status = Number(text.slice(9, 12))
      this.head = Buffer.alloc(0)
      this.left = Number(length)
      bytes = all.subarray(end + END.length)
    }
    this.left -= bytes.length
    if (this.left > 0) return
    this.left = -1
    this.resolve?.(this.status)
  }
}
