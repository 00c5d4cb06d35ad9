import { each, inTurn } from '../in-turn.js'
import type { Bench, Figure } from '../row.js'
import type { AskerOrders } from '../processes/asker.js'
import type { BackendOrders } from '../processes/backend.js'
import { startHelper } from '../processes/start.js'
import { spread } from '../spread.js'

export const verdicts: Bench = {
  name: 'verdicts',
  about: 'access requests decided per second in one process, over a bare loop over the same undici pool',
  async run({ rounds, tiny }) {
    const backend = await startHelper<BackendOrders>('backend')
    const asker = await startHelper<AskerOrders>('asker')
    try {
      const port = await backend.call('start')
      await asker.call('start', { url: `http://127.0.0.1:${port}` })
      const figures: Figure[] = []
      for (const concurrency of [1, 64, 512]) {
        const count = tiny ? 100 : concurrency === 1 ? 8_000 : 30_000
        const values = await inTurn(tiny ? 1 : 2 * rounds, {
          door: () => asker.call('throughDoor', { concurrency, count }),
          bare: () => asker.call('bare', { concurrency, count })
        })
        figures.push({
          bench: 'verdicts', variant: `concurrency ${concurrency}`, figure: spread(each(values, ({ door, bare }) => door / bare)), unit: '×',
          goal: { atLeast: 0.9 },
          absolute: [{ name: 'decided', value: spread(values.door), unit: '1/s' }, { name: 'bare undici', value: spread(values.bare), unit: '1/s' }],
          options: { maxConnections: 256, rememberMs: 0, log: 'denials' }
        })
      }
      await asker.call('close')
      return figures
    } finally {
      await asker.close()
      await backend.close()
    }
  }
}
