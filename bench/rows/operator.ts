import type { Options } from '../../lib/index.js'
import { inTurn } from '../in-turn.js'
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

/** A pair of servers wears its own chance (where its code and data lie) for life, so there are several. */
const PAIRS = 4
/** Joins whose CPU time is taken at once. */
const JOINS = 200

/**
 * CPU of a join with one server's options over one with the other's. Nothing is relayed meanwhile, since that would cost the more the
 * longer the joins take on a busy machine; and each ratio is of two rounds, A B B A, so that a drift meets both sides.
 */
const pair = async (on: Options, off: Options, rounds: number, tiny: boolean): Promise<{ ratios: number[], on: number[], off: number[] }> => {
  const all = { ratios: [] as number[], on: [] as number[], off: [] as number[] }
  const count = tiny ? 10 : JOINS
  for (let n = 0; n < (tiny ? 1 : PAIRS); n++) {
    await withScene(async ({ load, url, server }) => {
      const servers = { on: await server({ plugin: { url, maxHeldPerIp: 0, ...on } }), off: await server({ plugin: { url, maxHeldPerIp: 0, ...off } }) }
      const once = (side: keyof typeof servers) => async (): Promise<number> => {
        const before = await servers[side].call('cpu')
        await load.call('visits', { port: servers[side].http, count })
        return (await servers[side].call('cpu') - before) / count * 1000
      }
      for (const { http: port } of Object.values(servers)) await load.call('visits', { port, count: 5 * count })
      const values = await inTurn(tiny ? 2 : 4 * rounds, { on: once('on'), off: once('off') })
      all.on.push(...values.on)
      all.off.push(...values.off)
      for (let at = 0; at + 1 < values.on.length; at += 2) all.ratios.push((values.on[at]! + values.on[at + 1]!) / (values.off[at]! + values.off[at + 1]!))
    })
  }
  return all
}

const joins = async (rounds: number, tiny: boolean): Promise<Figure[]> => {
  const figures: Figure[] = []
  for (const [variant, on, goal] of [['admin server on over off', { admin: ADMIN }, { atMost: 1.03 }], ['off over off, which is what chance does', {}, undefined]] as const) {
    const { ratios, ...sides } = await pair(on, {}, rounds, tiny)
    figures.push({
      bench: 'operator', variant: `CPU of a join, ${variant}`, figure: spread(ratios), unit: '×', ...(goal && { goal }),
      absolute: [{ name: 'the one', value: spread(sides.on), unit: 'µs' }, { name: 'the other', value: spread(sides.off), unit: 'µs' }], options: { log: 'denials' }
    })
  }
  return figures
}

export const operator: Bench = {
  name: 'operator',
  about: 'what the admin server costs: its lists and metrics with 100,000 sessions, each session, each join',
  run: async ({ rounds, tiny }) => [...await lists(rounds, tiny), ...await joins(rounds, tiny)]
}
