/** `npm run soak`, `npm run soak -- --minutes N`: clients of every kind come and go; the heap must stay flat. */
import { parseArgs } from 'node:util'
import { HEAD, judge, row, slopeText } from './report.js'
import { soak } from './soak.js'

const { minutes: text } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } }).values
const minutes = Number(text)
if (!(minutes > 0)) {
  console.error(`--minutes: not a number of minutes: ${text}`)
  process.exit(3)
}
console.log(HEAD)
const soaked = await soak({ ms: minutes * 60_000, roundMs: Math.min(10_000, Math.max(3000, minutes * 15_000)), onSample: (sample) => console.log(row(sample)) })
const { slope, complaints } = judge(soaked)
console.log(`\n${[...soaked.stories].sort(([, a], [, b]) => b - a).map(([story, count]) => `${story} ${count}`).join(', ')}; outages ${soaked.outages}`)
console.log(`heap after the warm-up: ${slope === undefined ? 'too short a run for its slope' : slopeText(slope)}`)
for (const complaint of complaints) console.error(`- ${complaint}`)
process.exitCode = complaints.length > 0 ? 1 : 0
