import { withFiles } from '../files.js'
import { each, inTurn } from '../in-turn.js'
import type { Bench } from '../row.js'
import { rest, withScene } from '../scene.js'
import { median, spread } from '../spread.js'

const SESSIONS = 10_000
const EVERY_MS = 10_000
const DELAY_MS = 20
const NEWCOMERS = 50

const p95 = (values: readonly number[]): number => [...values].sort((one, other) => one - other)[Math.floor(values.length * 0.95)] ?? NaN

export const rechecks: Bench = {
  name: 'rechecks',
  about: '10,000 sessions that are asked about within 10 s: CPU over as many bare requests, and what a newcomer waits meanwhile',
  run: ({ rounds, tiny }) => withFiles((staticRoot) => withScene(async ({ backend, load, url, server }) => {
    const [sessions, everyMs] = tiny ? [50, 1000] : [SESSIONS, EVERY_MS]
    const options = { url, maxSessions: 1_000_000, maxSessionsPerIp: 1_000_000, maxHeldPerIp: 0, hlsIdleMs: 3_600_000, log: 'none' } as const
    const servers = {
      asking: await server({ staticRoot, plugin: { ...options, recheckMs: everyMs } }), quiet: await server({ staticRoot, plugin: options }), bare: await server({})
    }
    for (const { http: port } of [servers.asking, servers.quiet]) await load.call('open', { port, from: 0, to: sessions })
    await backend.call('behave', { delayMs: DELAY_MS })
    await rest(everyMs)

    const cpu: { asked: number[], bare: number[] } = { asked: [], bare: [] }
    for (let round = 0; round < (tiny ? 1 : rounds); round++) {
      const [before, answered] = [await servers.asking.call('cpu'), await backend.call('answered')]
      let count = 0
      // As many as there are sessions; when they come is spread by chance.
      while (count < sessions) {
        await rest(everyMs / 20)
        count = await backend.call('answered') - answered
      }
      cpu.asked.push((await servers.asking.call('cpu') - before) / count * 1000)
      cpu.bare.push(await servers.bare.call('ask', { url, count: sessions, connections: 256 }) / sessions * 1000)
    }

    let token = sessions
    const once = (side: 'asking' | 'quiet') => async (): Promise<readonly number[]> => {
      token += NEWCOMERS
      return load.call('newcomers', { port: servers[side].http, from: token - NEWCOMERS, count: tiny ? 5 : NEWCOMERS })
    }
    const waited: Record<'asking' | 'quiet', (readonly number[])[]> = { asking: [], quiet: [] }
    const timed = (side: 'asking' | 'quiet') => async (): Promise<number> => {
      const times = await once(side)()
      waited[side].push(times)
      return median(times)
    }
    const turns = tiny ? 1 : 2 * rounds
    const values = await inTurn(turns, { asking: timed('asking'), quiet: timed('quiet') })
    const late = { asking: waited.asking.slice(-turns).map(p95), quiet: waited.quiet.slice(-turns).map(p95) }
    const common = { bench: 'rechecks', options: { sessions, recheckMs: everyMs, 'backend ms': DELAY_MS } }
    return [{
      ...common, variant: 'CPU of a re-check', figure: spread(cpu.asked.map((us, round) => us / (cpu.bare[round] ?? NaN))), unit: '×', goal: { atMost: 1.3 },
      absolute: [{ name: 're-check', value: spread(cpu.asked), unit: 'µs' }, { name: 'bare request', value: spread(cpu.bare), unit: 'µs' }]
    }, {
      ...common, variant: 'a newcomer meanwhile', figure: spread(each(values, ({ asking, quiet }) => asking / quiet)), unit: '×', goal: { atMost: 1.1 },
      absolute: [{ name: 'meanwhile', value: spread(values.asking), unit: 'ms' }, { name: 'without', value: spread(values.quiet), unit: 'ms' }]
    }, {
      ...common, variant: 'a newcomer meanwhile, 95th percentile', figure: spread(late.asking.map((ms, round) => ms / (late.quiet[round] ?? NaN))), unit: '×', goal: { atMost: 1.5 },
      absolute: [{ name: 'meanwhile', value: spread(late.asking), unit: 'ms' }, { name: 'without', value: spread(late.quiet), unit: 'ms' }]
    }]
  }))
}
