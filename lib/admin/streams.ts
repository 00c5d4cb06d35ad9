import type { ServerResponse } from 'node:http'
import type { Sink } from '../observe/hub.js'
import { safely } from '../safely.js'
import { shownDecision, shownEnd, shownSession } from './shown.js'

/** Most streams at once, most unread bytes of one, and the interval of keep-alives for proxies in between, in milliseconds. */
const MAX_STREAMS = 32
const MAX_UNREAD = 1024 * 1024
const PING_MS = 15_000

/** Streams of server-sent events. */
export interface Streams extends Sink {
  /** @returns false if there are too many already */
  open(res: ServerResponse, headers: Readonly<Record<string, string>>): boolean
  close(): void
}

export const createStreams = (): Streams => {
  const open = new Set<ServerResponse>()
  let ping: NodeJS.Timeout | undefined
  const write = (text: string): void => {
    for (const res of open) {
      // A client that reads this slowly is cut, or its events would fill the memory.
      if (res.writableLength > MAX_UNREAD) res.destroy()
      else res.write(text)
    }
  }
  /** Events are serialized only if somebody watches. */
  const tell = (event: string, data: () => object): void => {
    if (open.size > 0) write(`event: ${event}\ndata: ${JSON.stringify(data())}\n\n`)
  }
  const leave = (res: ServerResponse): void => {
    open.delete(res)
    if (open.size > 0) return
    clearInterval(ping)
    ping = undefined
  }
  return {
    open(res, headers) {
      if (open.size >= MAX_STREAMS) return false
      res.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream; charset=utf-8' })
      res.write(': watching\n\n')
      open.add(res)
      res.on('close', safely(undefined, () => leave(res)))
      ping ??= setInterval(safely(undefined, () => write(': still here\n\n')), PING_MS).unref()
      return true
    },
    verdict: (decision) => tell('verdict', () => shownDecision(decision)),
    start: (session) => tell('start', () => shownSession(session)),
    end: (session, end) => tell('end', () => shownEnd(session, end)),
    outage: (outage) => tell('outage', () => ({ time: new Date().toISOString(), ...outage })),
    close() {
      for (const res of [...open]) res.destroy()
    }
  }
}
