import { open, stat, type FileHandle } from 'node:fs/promises'
import { safely } from '../safely.js'

/** Most bytes that wait for the disk; if it falls further behind, the newest lines are lost. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024
/** How often the path is checked and a failed write is retried, in milliseconds. */
const LOOK_MS = 1000
/** How long closing waits for the disk, in milliseconds. */
const CLOSE_MS = 1000

export interface LineFileEvents {
  /** Lines were lost or the file cannot be written; called once per series of failures. */
  readonly onTrouble: (problem: string) => void
  /** The file can be written again. @param lost lines lost meanwhile */
  readonly onMended: (lost: number) => void
}

/** A file to append lines to; nobody ever waits for the disk. */
export interface LineFile {
  /** @returns false if the line is lost because the disk is too far behind */
  append(line: string): boolean
  /** Lines lost so far. */
  readonly lost: number
  /** Writes what is waiting, for a second at most, and closes the file. */
  close(): Promise<void>
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

/**
 * Appends to a file that others may move or delete, on a disk that may be full. The path is checked once a second: when it
 * no longer names the open file, that file is closed after its last line, and the path is opened again and created if
 * necessary. This is all that logrotate needs.
 *
 * A write that fails halfway continues at that byte if the file is still the same, otherwise with the whole line, so no
 * file ever has half a line in its middle.
 */
export const openLineFile = (path: string, { onTrouble, onMended }: LineFileEvents, maxWaitingBytes = MAX_WAITING_BYTES): LineFile => {
  let waiting: string[] = []
  let waitingBytes = 0
  /** The line that a failed write left incomplete, and how much of it is in the file. */
  let torn: { readonly line: Buffer, readonly written: number, readonly dev: number, readonly ino: number } | undefined
  let handle: FileHandle | undefined
  let lost = 0
  let lostBefore = 0
  let trouble = false
  let busy: Promise<void> | undefined
  let closed = false

  const failed = (problem: string): void => {
    if (trouble) return
    trouble = true
    lostBefore = lost
    onTrouble(problem)
  }
  const mended = (): void => {
    if (!trouble) return
    trouble = false
    onMended(lost - lostBefore)
  }
  const release = async (): Promise<void> => {
    const old = handle
    handle = undefined
    await old?.close().catch(() => undefined)
  }
  const writeAll = async (file: FileHandle, bytes: Buffer): Promise<number> => {
    let at = 0
    try {
      while (at < bytes.length) at += (await file.write(bytes, at)).bytesWritten
    } catch (error) {
      failed(`cannot be written (${codeOf(error)})`)
    }
    return at
  }
  /** Completes the line that an earlier write left unfinished. */
  const mend = async (file: FileHandle): Promise<boolean> => {
    if (torn === undefined) return true
    const { dev, ino } = await file.stat()
    const from = dev === torn.dev && ino === torn.ino ? torn.written : 0
    const written = await writeAll(file, torn.line.subarray(from))
    torn = from + written === torn.line.length ? undefined : { line: torn.line, written: from + written, dev, ino }
    return torn === undefined
  }
  /** Puts back what a failed write did not write. */
  const putBack = async (file: FileHandle, lines: readonly string[], written: number): Promise<void> => {
    let at = 0
    for (const [index, text] of lines.entries()) {
      const line = Buffer.from(text)
      if (at + line.length > written) {
        const { dev, ino } = await file.stat()
        torn = { line, written: written - at, dev, ino }
        waiting = [...lines.slice(index + 1), ...waiting]
        waitingBytes = waiting.reduce((sum, each) => sum + Buffer.byteLength(each), 0)
        return
      }
      at += line.length
    }
  }
  const write = async (): Promise<void> => {
    handle ??= await open(path, 'a', 0o640)
    while (await mend(handle) && waiting.length > 0) {
      const lines = waiting
      waiting = []
      waitingBytes = 0
      const bytes = Buffer.from(lines.join(''))
      const written = await writeAll(handle, bytes)
      if (written < bytes.length) {
        await putBack(handle, lines, written)
        break
      }
    }
    if (torn === undefined && waiting.length === 0) mended()
    else await release()
  }
  /** One write at a time; a failed one is retried at the next check. */
  const flush = (): Promise<void> => busy ??= write().catch(async (error: unknown) => {
    failed(`cannot be written (${codeOf(error)})`)
    await release()
  }).finally(() => { busy = undefined })

  const look = async (): Promise<void> => {
    await busy
    const file = handle
    if (file !== undefined) {
      const [now, own] = await Promise.all([stat(path).catch(() => undefined), file.stat()])
      if (now?.ino !== own.ino || now.dev !== own.dev) {
        await flush()
        await release()
      }
    }
    if (waiting.length > 0 || torn !== undefined || handle === undefined) await flush()
  }
  const timer = setInterval(safely(undefined, () => {
    look().catch((error: unknown) => failed(`cannot be looked at (${codeOf(error)})`))
  }), LOOK_MS).unref()
  void flush()

  return {
    append(line) {
      if (closed || waitingBytes + line.length > maxWaitingBytes) {
        lost += 1
        if (!closed) failed('is slower than what is written to it')
        return false
      }
      waiting.push(`${line}\n`)
      waitingBytes += Buffer.byteLength(line) + 1
      // All lines of this turn of the event loop become one write; after a failure the next check retries.
      if (waiting.length === 1 && !trouble) setImmediate(safely(undefined, () => { void flush() }))
      return true
    },
    get lost() { return lost },
    async close() {
      closed = true
      clearInterval(timer)
      const done = (async () => {
        await busy
        await flush()
        if (waiting.length > 0 || torn !== undefined) lost += waiting.length + (torn === undefined ? 0 : 1)
        await release()
      })()
      await Promise.race([done, new Promise((resolve) => { setTimeout(resolve, CLOSE_MS).unref() })])
    }
  }
}
