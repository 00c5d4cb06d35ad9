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
 * A descriptor that is set aside, so that a process whose clients have taken all others can still make
 * one connection: given back just before, in the same turn of the event loop.
 */
export class Reserve {
  private descriptor: number | undefined

  /** Sets one aside, unless there is one or none can be had. */
  take(): void {
    this.descriptor ??= open()
  }

  give(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
  }
}
