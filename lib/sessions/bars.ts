/** A request or device that is kept out for a while. */
export interface Bar {
  readonly user: string | undefined
  /** Kept out even if its user has a free place: an operator closed it with a time. */
  readonly firm: boolean
  until: number
}

/** Bars by key; the oldest are dropped first. */
export interface Bars {
  get(key: string): Bar | undefined
  add(key: string, bar: Omit<Bar, 'until'>, forMs: number): void
  readonly size: number
}

const MAX_BARS = 20_000
const MAX_BARS_PER_USER = 16

export const createBars = (now: () => number): Bars => {
  const bars = new Map<string, Bar>()
  const byUser = new Map<string, string[]>()

  const drop = (key: string): void => {
    const bar = bars.get(key)
    bars.delete(key)
    if (bar?.user === undefined) return
    const left = byUser.get(bar.user)?.filter((other) => other !== key) ?? []
    if (left.length > 0) byUser.set(bar.user, left)
    else byUser.delete(bar.user)
  }
  const makeRoom = (user: string | undefined): void => {
    const own = user === undefined ? [] : byUser.get(user) ?? []
    if (own.length >= MAX_BARS_PER_USER) drop(own[0] ?? '')
    for (const [key, { until }] of bars) {
      if (until > now() && bars.size < MAX_BARS) return
      drop(key)
    }
  }
  return {
    get(key) {
      const bar = bars.get(key)
      if (bar === undefined || bar.until > now()) return bar
      drop(key)
      return undefined
    },
    add(key, bar, forMs) {
      drop(key)
      makeRoom(bar.user)
      bars.set(key, { ...bar, until: now() + forMs })
      if (bar.user !== undefined) byUser.set(bar.user, [...byUser.get(bar.user) ?? [], key])
    },
    get size() { return bars.size }
  }
}
