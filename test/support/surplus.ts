import type { SessionEvent, TestServer } from './server.js'

/**
 * Measures how late the machine makes the timers of servers.
 * @returns the worst so far, in milliseconds
 */
export const watchLag = async (servers: readonly TestServer[]): Promise<() => Promise<number>> => {
  await Promise.all(servers.map((server) => server.evaluate(({ require, state }) => {
    const { monitorEventLoopDelay } = require('node:perf_hooks') as { monitorEventLoopDelay: (options: object) => { enable(): void, readonly max: number } }
    const lag = monitorEventLoopDelay({ resolution: 10 })
    lag.enable()
    state['lag'] = lag
  })))
  return async () => Math.max(...await Promise.all(servers.map((server) => server.evaluate(({ state }) => (state['lag'] as { max: number }).max / 1e6))))
}

/** The longest time for which there were more than the limit, by what the servers told of begins and ends, in milliseconds. */
export const longestOver = (events: readonly SessionEvent[], limit: number): number => {
  let count = 0
  let longest = 0
  let since: number | undefined
  for (const { event, at } of events) {
    count += event === 'start' ? 1 : -1
    if (count > limit) longest = Math.max(longest, at - (since ??= at))
    else {
      if (since !== undefined) longest = Math.max(longest, at - since)
      since = undefined
    }
  }
  return longest
}
