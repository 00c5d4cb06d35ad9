/** `node --import tsx bench/profile.ts FILE.cpuprofile`: the functions in which the time went, by self time. */
import { readFileSync } from 'node:fs'

interface Node { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }
interface Profile { nodes: Node[], samples: number[], timeDeltas: number[] }

const file = process.argv[2]
if (file === undefined) throw new Error('which profile?')
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
const byId = new Map(nodes.map((node) => [node.id, node.callFrame]))
const self = new Map<string, number>()
let total = 0
for (const [index, id] of samples.entries()) {
  const { functionName, url, lineNumber } = byId.get(id)!
  if (functionName === '(idle)' || functionName === '(program)') continue
  const place = `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`
  self.set(place, (self.get(place) ?? 0) + timeDeltas[index]!)
  total += timeDeltas[index]!
}
for (const [place, us] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log(`${(us / total * 100).toFixed(1).padStart(5)} % ${place}`)
