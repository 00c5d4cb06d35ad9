/**
 * Fuzzes for long: `npm run fuzz -- --subject rtmp --count 100000 --seed 1`. Without a seed it takes one by
 * chance, which it prints. What fails is kept below `regressions/`, where `npm test` finds it.
 */
import { parseArgs } from 'node:util'
import { costOfHttp, costOfRtmp } from './cost.js'
import { fuzz, type Subject } from './fuzz.js'
import { http } from './http.js'
import { rtmp } from './rtmp.js'

const USAGE = `Usage: npm run fuzz -- [--subject rtmp|http|cost-rtmp|cost-http] [--count 100000] [--seed N] [--batch 100]
`

const { values } = parseArgs({ options: {
  help: { type: 'boolean', default: false },
  subject: { type: 'string', default: 'rtmp' },
  count: { type: 'string', default: '100000' },
  seed: { type: 'string', default: String(Math.floor(Math.random() * 0x7fffffff)) },
  batch: { type: 'string', default: '100' }
} })
const [count, seed, batch] = [Number(values.count), Number(values.seed), Number(values.batch)]

const run = async <T>(subject: Subject<T>): Promise<void> => {
  const begun = Date.now()
  const say = (done: number): void => console.log(`${subject.name}: ${done} inputs, ${Math.round(done / (Date.now() - begun) * 1000)}/s`)
  console.log(`${subject.name}: ${count} inputs, seed ${seed}`)
  try {
    await fuzz(subject, { seed, count, batch, onBatch: (done) => { if (done % (batch * 10) === 0 || done === count) say(done) } })
    console.log(`${subject.name}: nothing found`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  } finally {
    await subject.close()
  }
}

const { subject } = values
if (values.help) process.stdout.write(USAGE)
else if (subject === 'rtmp') await run(rtmp())
else if (subject === 'http') await run(http())
else if (subject === 'cost-rtmp') await run(costOfRtmp())
else if (subject === 'cost-http') await run(costOfHttp())
else {
  process.stderr.write(`there is no subject ${subject}\n${USAGE}`)
  process.exitCode = 1
}
