import { expect } from 'chai'
import { fileURLToPath } from 'node:url'
import type { Figure } from '../../bench/row.js'
import { benches } from '../../bench/rows.js'
import { run } from '../support/tools.js'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** One tiny round each: that they run and measure something, never how fast. */
describe('the benches', () => {
  for (const { name } of benches) {
    it(`${name} runs, and says what it measured`, async function () {
      this.timeout(90_000)
      const { code, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', MAIN, name, '--tiny', '--json'], { cwd: ROOT, timeoutMs: 80_000 })
      expect(code, stderr).to.equal(0)
      const { figures } = JSON.parse(stdout) as { figures: Figure[] }
      expect(figures).not.to.be.empty
      for (const { bench, figure, absolute } of figures) {
        expect(bench).to.equal(name)
        expect(figure.median).to.be.finite
        expect(absolute).not.to.be.empty
      }
    })
  }

  it('names the benches that there are when it is asked for another', async () => {
    const { code, stderr } = await run(process.execPath, ['--import', 'tsx', MAIN, 'nothing'], { cwd: ROOT })
    expect(code).to.equal(3)
    expect(stderr).to.include('there are join, verdicts')
  })
})
