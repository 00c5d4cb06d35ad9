import { expect } from 'chai'
import { allow, deny, type Verdict, type VerdictSource } from '../../../lib/access/verdict.js'
import { Departure } from '../../../lib/access/departure.js'
import { dryRun } from '../../../lib/policy/dry-run.js'
import { requestOf } from './support.js'

describe('a dry run', () => {
  const decided = (verdict: Verdict, actions: ('play' | 'publish')[] = ['play'], action: 'play' | 'publish' = 'play'): Promise<Verdict> =>
    dryRun(() => Promise.resolve(verdict), { dryRun: actions })(requestOf({ action }), new Departure())

  for (const source of ['backend', 'default', 'rule', 'remembered', 'last-verdict', 'unanswered'] as const satisfies readonly VerdictSource[]) {
    it(`lets in who would be denied by ${source}, and says what would have been`, async () => {
      const verdict = { ...deny(source, 'no'), status: 403, userId: 'u1', fault: 'odd' }
      expect(await decided(verdict)).to.deep.equal({ ...verdict, allowed: true, source: 'dry-run', reason: 'dry run, would be denied: no', would: verdict })
    })
  }
  for (const source of ['malformed', 'overload'] as const) {
    it(`lets nobody in who is refused by ${source}`, async () => { expect(await decided(deny(source, 'no'))).to.deep.equal(deny(source, 'no')) })
  }
  it('changes no allow', async () => { expect(await decided(allow('backend', 'yes'))).to.deep.equal(allow('backend', 'yes')) })
  it('lets publishers in only if they are named', async () => {
    expect((await decided(deny('backend', 'no'), ['play'], 'publish')).allowed).to.equal(false)
    expect((await decided(deny('backend', 'no'), ['publish'], 'publish')).allowed).to.equal(true)
    expect((await decided(deny('backend', 'no'), ['publish'], 'play')).allowed).to.equal(false)
  })
  it('that is none is the next step itself', () => {
    const next = (): Promise<Verdict> => Promise.resolve(allow('backend', ''))
    expect(dryRun(next, { dryRun: [] })).to.equal(next)
  })
})
