/** `npm run bench`, `npm run bench -- NAME …`, with `--json`, `--rounds N` or `--tiny`. */
import { parseArgs } from 'node:util'
import { machine } from './machine.js'
import { conditions, line, table } from './report.js'
import { meets, type Figure } from './row.js'
import { benches } from './rows.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, tiny: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } }
})
const unknown = positionals.find((name) => !benches.some((bench) => bench.name === name))
const rounds = Number(values.rounds)
if (unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
  console.error(unknown === undefined ? `--rounds: not a number of rounds: ${values.rounds}` : `no such bench: ${unknown}; there are ${benches.map(({ name }) => name).join(', ')}`)
  process.exit(3)
}
const chosen = positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name))
const scale = { rounds: values.tiny ? 1 : rounds, tiny: values.tiny }
const figures: Figure[] = []
for (const bench of chosen) {
  console.error(`${bench.name}: ${bench.about}`)
  try {
    const measured = await bench.run(scale)
    for (const figure of measured) console.error(`  ${line(figure)}`)
    figures.push(...measured)
  } catch (error) {
    // The others took minutes, and are worth something without this one.
    console.error(`${bench.name} failed:`, error)
    process.exitCode = 1
  }
}
if (values.json) console.log(JSON.stringify({ machine: machine(), figures: figures.map((figure) => ({ ...figure, met: meets(figure) ?? null })) }, null, 2))
else console.log(`${machine()}\n\n${table(figures)}\n\n${conditions(figures)}`)
