import { withFiles } from '../files.js'
import { each, inTurn } from '../in-turn.js'
import type { Bench } from '../row.js'
import { withScene } from '../scene.js'
import { spread } from '../spread.js'

const USERS = 10_000
const PLENTY = { maxSessions: 1_000_000, maxSessionsPerIp: 1_000_000, maxHeldPerIp: 0, log: 'none' } as const

export const limits: Bench = {
  name: 'limits',
  about: 'HLS joins a second of 10,000 users with two sessions each, with a limit of two, over the plugin without limits',
  run: ({ rounds, tiny }) => withFiles((staticRoot) => withScene(async ({ load, url, server }) => {
    const users = tiny ? 20 : USERS
    const servers = {
      limited: await server({ staticRoot, plugin: { url, ...PLENTY, limits: { perUser: 2, userParams: ['user'] } } }),
      free: await server({ staticRoot, plugin: { url, ...PLENTY, limits: false } })
    }
    let from = 0
    // Each round has users of its own: a join is what is measured.
    const once = (side: keyof typeof servers) => async (): Promise<number> => {
      from += users
      return load.call('users', { port: servers[side].http, from: from - users, to: from })
    }
    const values = await inTurn(rounds, { limited: once('limited'), free: once('free') })
    return [{
      bench: 'limits', variant: 'joins', figure: spread(each(values, ({ limited, free }) => limited / free)), unit: '×', goal: { atLeast: 0.95 },
      absolute: [{ name: 'with a limit', value: spread(values.limited), unit: '1/s' }, { name: 'without', value: spread(values.free), unit: '1/s' }],
      options: { users, 'limits.perUser': 2 }
    }]
  }))
}
