import { each, inTurn } from '../in-turn.js'
import type { ListsOrders } from '../processes/lists.js'
import { startHelper } from '../processes/start.js'
import type { Bench, Figure } from '../row.js'
import { withScene } from '../scene.js'
import { spread } from '../spread.js'

const SESSIONS = 100_000
const ADMIN = { port: 0, token: 'an-operator-of-the-bench' }

const repeat = async (rounds: number, measure: () => Promise<number>): Promise<number[]> => {
  await measure()
  const values: number[] = []
  while (values.length < rounds) values.push(await measure())
  return values
}

/** What the admin server costs the event loop, and each session. */
const lists = async (rounds: number, tiny: boolean): Promise<Figure[]> => {
  const count = tiny ? 1000 : SESSIONS
  const helper = await startHelper<ListsOrders>('lists')
  try {
    const heap = spread([await helper.call('fill', { count })])
    const turns = tiny ? 1 : 4 * rounds
    const figure = (variant: string, values: number[], atMost: number): Figure =>
      ({ bench: 'operator', variant, figure: spread(values), unit: 'ms', goal: { atMost }, absolute: [{ name: 'event loop', value: spread(values), unit: 'ms' }], options: { sessions: count } })
    return [
      figure('a page of 100 of the list', await repeat(turns, () => helper.call('list', { query: 'limit=100' })), 50),
      figure('the same, filtered by a word', await repeat(turns, () => helper.call('list', { query: 'q=203.0.77&limit=100' })), 50),
      figure('/metrics', await repeat(turns, () => helper.call('scrape')), 5),
      { bench: 'operator', variant: 'heap of each session', figure: heap, unit: 'B', goal: { atMost: 100 }, absolute: [{ name: 'heap', value: heap, unit: 'B' }], options: { sessions: count } }
    ]
  } finally {
    await helper.close()
  }
}

/** CPU of a join with the admin server on, over one with it off. */
const joins = (rounds: number, tiny: boolean): Promise<Figure[]> => withScene(async ({ load, url, server }) => {
  const servers = { on: await server({ plugin: { url, maxHeldPerIp: 0, admin: ADMIN } }), off: await server({ plugin: { url, maxHeldPerIp: 0 } }) }
  const count = tiny ? 20 : 400
  const once = (side: keyof typeof servers) => async (): Promise<number> => {
    const before = await servers[side].call('cpu')
    await load.call('storm', { kind: 'http-flv', port: servers[side].http, count })
    await load.call('storm', { kind: 'http-flv', port: servers[side].http, count })
    const took = await servers[side].call('cpu') - before
    await load.call('drop')
    return took / count * 1000
  }
  for (const { rtmp } of Object.values(servers)) await load.call('publish', { port: rtmp })
  const values = await inTurn(tiny ? 1 : 6 * rounds, { on: once('on'), off: once('off') })
  return [{
    bench: 'operator', variant: 'CPU of a join, admin server on over off', figure: spread(each(values, ({ on, off }) => on / off)), unit: '×', goal: { atMost: 1.03 },
    absolute: [{ name: 'on', value: spread(values.on), unit: 'µs' }, { name: 'off', value: spread(values.off), unit: 'µs' }], options: { log: 'denials' }
  }]
})

export const operator: Bench = {
  name: 'operator',
  about: 'what the admin server costs: its lists and metrics with 100,000 sessions, each session, each join',
  run: async ({ rounds, tiny }) => [...await lists(rounds, tiny), ...await joins(rounds, tiny)]
}
