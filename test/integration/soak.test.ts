import { expect } from 'chai'
import { fileURLToPath } from 'node:url'
import { FLAT_BYTES_PER_CLIENT, judge } from '../soak/report.js'
import type { Sample } from '../soak/sample.js'
import { slopeOf } from '../soak/slope.js'
import { run } from '../support/tools.js'

const MAIN = fileURLToPath(new URL('../soak/main.ts', import.meta.url))
const soakFor = (minutes: string): ReturnType<typeof run> =>
  run(process.execPath, ['--import', 'tsx', MAIN, '--minutes', minutes], { timeoutMs: 80_000 })

const MIB = 1024 * 1024
const atRest: Sample = {
  minute: 0, clients: 0, bytes: 25 * MIB, rssBytes: 150 * MIB, handles: { client: 2, descriptors: 30 }, sessions: 2, broadcasts: 1, held: 0, viewers: 2
}
/** Forty samples in ten minutes, of a heap that grows by so much and trembles. */
const samplesOf = (bytesPerClient: number): Sample[] => Array.from({ length: 40 }, (_, index) => {
  const clients = index * 1000
  return { ...atRest, minute: index / 4, clients, bytes: atRest.bytes + clients * bytesPerClient + (index * 7 % 5 - 2) * 20_000 }
})
const calm = { samples: samplesOf(0), stories: new Map(), errors: [], outages: 1 }

describe('npm run soak', () => {
  it('finds the slope of a line, and how sure it is', () => {
    expect(slopeOf([{ clients: 0, bytes: 10 }, { clients: 1, bytes: 13 }, { clients: 2, bytes: 16 }])).to.deep.equal({ bytesPerClient: 3, error: 0 })
    // 0, 3, 0: the best line is level at 1; squares 1 + 4 + 1 over one degree of freedom, and a spread of 2.
    expect(slopeOf([{ clients: 0, bytes: 0 }, { clients: 1, bytes: 3 }, { clients: 2, bytes: 0 }])).to.deep.equal({ bytesPerClient: 0, error: Math.sqrt(3) })
    expect(() => slopeOf([{ clients: 0, bytes: 1 }, { clients: 1, bytes: 2 }])).to.throw(RangeError, 'there are 2')
  })

  it('takes a heap that trembles or hardly grows for flat, and one that leaks not', () => {
    expect(judge(calm).complaints).to.deep.equal([])
    expect(judge({ ...calm, samples: samplesOf(FLAT_BYTES_PER_CLIENT / 2) }).complaints).to.deep.equal([])
    expect(judge({ ...calm, samples: samplesOf(2 * FLAT_BYTES_PER_CLIENT) }).complaints.join()).to.match(/^the heap is not flat: 1\d\.\d ± \d\.\d bytes a client$/)
  })

  it('complains of what stays behind, of clients whose story went wrong, and of a run without an outage', () => {
    const left = { ...atRest, minute: 10, held: 1, handles: { client: 3, descriptors: 31 } }
    expect(judge({ ...calm, samples: [...calm.samples, left], errors: ['somebody got in'], outages: 0 }).complaints).to.deep.equal([
      'client: 3 instead of 2', 'held: 1 instead of 0', 'there was no outage', 'somebody got in'
    ])
  })

  it('runs', async function () {
    this.timeout(90_000)
    const { code, stdout, stderr } = await soakFor('0.1')
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    expect(stdout.match(/^\| \d+\.\d\d \|/gm)).to.have.length.of.at.least(2)
    for (const story of ['watched', 'published', 'denied', 'HLS']) expect(stdout).to.match(new RegExp(`\\b${story} \\d`))
    expect(stdout).to.match(/; outages [1-9]/).and.include('too short a run for its slope')
  })

  it('says what it was asked wrongly', async () => {
    const { code, stderr } = await soakFor('ten')
    expect({ code, stderr }).to.deep.equal({ code: 3, stderr: '--minutes: not a number of minutes: ten\n' })
  })
})
