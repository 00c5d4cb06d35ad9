import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What NMS posts to its `notify.url` at each of its events. */
export interface Notice {
  /** The event: `postPlay`. */
  readonly action: string
  readonly id: string
  /** `address:port` */
  readonly ip: string
  readonly app: string
  readonly name: string
  readonly protocol: string
  readonly query: Readonly<Record<string, unknown>>
  readonly outbytes: number
}

/**
 * What listens at a `notify.url`. NMS closes a session whose notice it answers with anything but 200.
 */
export interface Notified {
  readonly url: string
  readonly notices: Notice[]
  /** Says with which status, and when, a notice is answered from now on. Before that with 200. */
  answer(how: (notice: Notice) => number | Promise<number>): void
  close(): Promise<void>
}

export const startNotified = async (): Promise<Notified> => {
  const notices: Notice[] = []
  let decide: (notice: Notice) => number | Promise<number> = () => 200
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const notice = JSON.parse(Buffer.concat(chunks).toString()) as Notice
      notices.push(notice)
      void Promise.resolve(decide(notice)).then((status) => res.writeHead(status, { connection: 'close', 'content-length': 0 }).end())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    notices,
    answer(how) { decide = how },
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}
