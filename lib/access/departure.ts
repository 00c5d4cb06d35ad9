type Listener = (() => void) | { handleEvent(): void }

/** What the steps between gate and backend know of whether the client has left. Every AbortSignal will do. */
export interface LeaveSignal {
  readonly aborted: boolean
  readonly reason: Error
  addEventListener(type: 'abort', listener: Listener): void
  removeEventListener(type: 'abort', listener: Listener): void
}

/**
 * One client's leaving. An AbortController says the same, but there is one for each held client and
 * each question, and it takes a kilobyte of heap and a tenth of the time that a question costs.
 */
export class Departure implements LeaveSignal {
  aborted = false
  private listeners: Listener[] | undefined

  get reason(): Error { return new Error('the client left') }

  addEventListener(_: 'abort', listener: Listener): void {
    // Written so, and not pushed, an array has no room for sixteen more.
    this.listeners = this.listeners === undefined ? [listener] : [...this.listeners, listener]
  }

  removeEventListener(_: 'abort', listener: Listener): void {
    const at = this.listeners?.indexOf(listener) ?? -1
    if (at >= 0) this.listeners?.splice(at, 1)
  }

  /** The client has left; calling it again does nothing. */
  abort(): void {
    if (this.aborted) return
    this.aborted = true
    const listeners = this.listeners ?? []
    this.listeners = undefined
    for (const listener of listeners) {
      if (typeof listener === 'function') listener()
      else listener.handleEvent()
    }
  }
}
