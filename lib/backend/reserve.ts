import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'

const open = (): number | undefined => {
  try {
    return openSync(devNull, 'r')
  } catch {
    return undefined
  }
}

/** Whether this process may open one more descriptor. */
export const hasDescriptor = (): boolean => {
  const descriptor = open()
  if (descriptor !== undefined) closeSync(descriptor)
  return descriptor !== undefined
}

/**
 * A reserved descriptor, so that a process whose clients have taken all others can still open one connection: it is released
 * just before, in the same turn of the event loop.
 */
export class Reserve {
  private descriptor: number | undefined

  /** Reserves one, unless one is reserved already or none is left. */
  take(): void {
    this.descriptor ??= open()
  }

  give(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
  }
}
