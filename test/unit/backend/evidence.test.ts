import { expect } from 'chai'
import sinon from 'sinon'
import { Evidence, type Case } from '../../../lib/backend/evidence.js'
import type { Failure } from '../../../lib/backend/failure.js'
import type { Probe, ProbeOutcome } from '../../../lib/backend/probe.js'

const silence: Failure = { met: 'doubt', text: () => 'silence' }
const ANSWERED: ProbeOutcome = { is: 'answered', status: 403 }
const failedBy = (failure: Failure): ProbeOutcome => ({ is: 'failed', failure, connected: true, status: false })
const CLOSED = failedBy({ met: 'doubt', text: () => 'closed' })
const REFUSED = failedBy({ met: 'proof', text: () => 'refused' })
const LACKED = failedBy({ met: 'nothing', text: () => 'no descriptor' })
const SILENT = failedBy(silence)
const BUDGET_MS = 3000

describe('what is known of a backend', () => {
  let clock: sinon.SinonFakeTimers
  beforeEach(() => { clock = sinon.useFakeTimers() })
  afterEach(() => clock.restore())

  const setup = () => {
    const asked: { at: number, usualMs: number, end: (outcome: ProbeOutcome) => Promise<void> }[] = []
    const onUseless = sinon.spy()
    const probe = {
      lostMs: 0, close: () => undefined,
      ask: (usualMs: number) => new Promise<ProbeOutcome>((resolve) => {
        asked.push({ at: Date.now(), usualMs, end: async (outcome) => { resolve(outcome); await clock.tickAsync(0) } })
      })
    }
    const evidence = new Evidence(probe as unknown as Probe, () => Date.now(), onUseless)
    const failed = (change: Partial<Case> = {}): string[] => {
      const verdicts: string[] = []
      evidence.decide({ failure: silence, since: Date.now(), due: Date.now() + BUDGET_MS, budgetMs: BUDGET_MS, settle: (judgement) => verdicts.push(`${judgement} at ${Date.now()}`), ...change })
      return verdicts
    }
    /** One whose time is up. */
    const silent = (): string[] => failed({ since: Date.now() - 0.75 * BUDGET_MS, due: Date.now() })
    const last = (): { at: number, usualMs: number, end: (outcome: ProbeOutcome) => Promise<void> } => asked.at(-1)!
    return { evidence, asked, last, failed, silent, onUseless, probe }
  }

  it('a question that failed asks for a probe, and waits for it', async () => {
    const { asked, failed, last } = setup()
    const verdict = failed()
    expect([asked.length, verdict]).to.deep.equal([1, []])
    await clock.tickAsync(5)
    await last().end(CLOSED)
    expect(verdict).to.deep.equal(['outage at 5'])
  })
  it('and so does one that others are answered after', async () => {
    const { evidence, failed } = setup()
    const verdict = failed()
    await clock.tickAsync(5)
    evidence.answered(5)
    expect(verdict).to.deep.equal(['unanswered at 5'])
  })
  it('an answer of before says nothing', async () => {
    const { evidence, failed, last } = setup()
    evidence.answered(5)
    await clock.tickAsync(1)
    const verdict = failed()
    await last().end(CLOSED)
    expect(verdict).to.deep.equal(['outage at 1'])
  })
  it('an answer to the probe speaks for the backend as anybody\'s does', async () => {
    const { evidence, failed, last } = setup()
    const heard = sinon.spy()
    evidence.onAnswer(heard)
    const verdict = failed()
    await clock.tickAsync(5)
    await last().end(ANSWERED)
    expect(verdict).to.deep.equal(['unanswered at 5'])
    sinon.assert.calledOnce(heard)
  })
  it('without a witness by the end of its time it is overload', async () => {
    const { failed } = setup()
    const verdict = failed()
    await clock.tickAsync(BUDGET_MS + 10)
    expect(verdict.join()).to.match(/^overload at 300\d$/)
  })
  it('what this process lacked for the probe proves nothing', async () => {
    const { asked, failed, last } = setup()
    const verdict = failed()
    await last().end(LACKED)
    expect(verdict).to.deep.equal([])
    await clock.tickAsync(1000)
    expect(asked.map(({ at }) => at), 'it is tried again').to.deep.equal([0, 0])
    await clock.tickAsync(BUDGET_MS + 10)
    expect(verdict.join()).to.match(/^overload at 300\d$/)
  })

  describe('the probe', () => {
    it('is one at a time, and one a second', async () => {
      const { evidence, asked, last } = setup()
      void evidence.ask()
      await last().end(ANSWERED)
      for (let count = 0; count < 45; count += 1) {
        void evidence.ask()
        await clock.tickAsync(100)
        if (asked.length > 1) await last().end(ANSWERED)
      }
      // The first is the start's, and keeps no other waiting.
      expect(asked.map(({ at }) => at)).to.deep.equal([0, 0, 1000, 2000, 3000, 4000])
    })
    it('is asked again as long as somebody waits for its word, and nobody is answered', async () => {
      const { evidence, asked, last, silent } = setup()
      const question = {}
      evidence.worry(question, 0, () => [])
      await clock.tickAsync(2000)
      await last().end(SILENT)
      await clock.tickAsync(2000)
      expect(asked.map(({ at }) => at)).to.deep.equal([0, 2000])
      expect(silent(), 'the one that failed last speaks until the next has ended').to.deep.equal(['outage at 4000'])
      await last().end(SILENT)
      expect(silent()).to.deep.equal(['outage at 4000'])
      evidence.relax(question)
      await last().end(SILENT)
      await clock.tickAsync(1001)
      expect(silent()).to.deep.equal(['overload at 5001'])
    })
    it('is not asked for a question that waits while others are answered', () => {
      const { evidence, asked } = setup()
      clock.tick(10)
      evidence.answered(1)
      evidence.worry({}, 0, () => [])
      expect(asked).to.have.length(0)
    })
    it('waits as long as answers usually take', () => {
      const { evidence, last } = setup()
      for (let count = 0; count < 98; count += 1) evidence.answered(10)
      evidence.answered(2001)
      void evidence.ask()
      expect(last().usualMs).to.equal(2001)
    })
  })

  describe('a probe that the backend does not answer', () => {
    it('is asked again when a client is answered, and is no good if it is silent again, until it is answered', async () => {
      const { evidence, asked, last, silent, onUseless } = setup()
      void evidence.ask()
      await last().end(SILENT)
      expect(silent()).to.deep.equal(['outage at 0'])
      await clock.tickAsync(500)
      evidence.answered(5)
      expect(asked).to.have.length(2)
      await clock.tickAsync(2000)
      await last().end(SILENT)
      sinon.assert.calledOnce(onUseless)
      await clock.tickAsync(5000)
      const verdict = silent()
      expect(verdict).to.deep.equal(['overload at 7500'])
      await clock.tickAsync(10_000)
      evidence.answered(5)
      expect(asked, 'it is tried again now and then').to.have.length(3)
      await last().end(ANSWERED)
      await clock.tickAsync(3000)
      void evidence.ask()
      await last().end(SILENT)
      expect(silent(), 'it has been answered').to.deep.equal(['outage at 20500'])
      sinon.assert.calledOnce(onUseless)
    })
    it('is as little good if clients were answered while it waited', async () => {
      const { evidence, last, failed, onUseless } = setup()
      void evidence.ask()
      await clock.tickAsync(100)
      evidence.answered(5)
      await clock.tickAsync(1900)
      await last().end(SILENT)
      expect(failed({ due: Date.now() })).to.deep.equal(['overload at 2000'])
      await clock.tickAsync(3000)
      await last().end(SILENT)
      sinon.assert.calledOnce(onUseless)
    })
    it('keeps nobody waiting for a word that it cannot give', async () => {
      const { evidence, last, failed } = setup()
      void evidence.ask()
      await clock.tickAsync(100)
      evidence.answered(5)
      await clock.tickAsync(100)
      const verdicts = [failed()]
      await last().end(CLOSED)
      expect(verdicts[0], 'others were answered').to.deep.equal(['overload at 200'])
      verdicts[1] = failed()
      await clock.tickAsync(1000)
      await last().end(CLOSED)
      verdicts[2] = failed()
      expect(verdicts.slice(1), 'until it is silent again, and after').to.deep.equal([['overload at 1200'], ['overload at 1200']])
    })
    it('is good where it was refused: the backend was down then', async () => {
      const { evidence, asked, last } = setup()
      void evidence.ask()
      await last().end(REFUSED)
      await clock.tickAsync(500)
      evidence.answered(5)
      await clock.tickAsync(5000)
      expect(asked).to.have.length(1)
    })
  })

  it('names those whose questions were out when it fell silent', () => {
    const { evidence } = setup()
    evidence.worry({}, 0, () => ['a', 'b', 'c', 'd', 'e', 'f'])
    evidence.worry({}, 0, () => ['z'])
    expect(evidence.suspects).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
  })

  it('settles who waits when it is closed, and leaves no timer behind', async () => {
    const { evidence, failed } = setup()
    const verdict = failed()
    evidence.close()
    await clock.tickAsync(0)
    expect(verdict).to.deep.equal(['overload at 0'])
    expect(clock.countTimers()).to.equal(0)
  })
})
