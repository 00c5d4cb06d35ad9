import { expect } from 'chai'
import { createFlood, type Flood, type FloodSummary } from '../../../lib/observe/flood.js'

describe('a flood of lines', () => {
  let reports: FloodSummary[] = []
  let windows: { run: () => void, ms: number }[] = []
  let now = 0
  const made = (limits = { windowMs: 1000, perAddress: 2, total: 5 }): Flood => {
    reports = []
    windows = []
    now = 1_000_000
    return createFlood((summary) => reports.push(summary), limits, (run, ms) => { windows.push({ run, ms }); return () => undefined }, () => now)
  }
  const passed = (flood: Flood, count: number, kind: string, ip: (index: number) => string): number =>
    Array.from({ length: count }, (_, index) => flood.passes(kind, ip(index))).filter(Boolean).length

  it('passes while it is none, and nothing is reported', () => {
    const flood = made()
    expect(passed(flood, 2, 'denied', () => '10.0.0.1')).to.equal(2)
    windows[0]?.run()
    expect(reports).to.deep.equal([])
  })

  it('is cut for each address and kind, and counted', () => {
    const flood = made()
    expect(passed(flood, 10, 'denied', () => '10.0.0.1')).to.equal(2)
    expect(passed(flood, 10, 'cut', () => '10.0.0.1')).to.equal(2)
    expect(passed(flood, 1, 'denied', () => '10.0.0.2')).to.equal(1)
    windows[0]?.run()
    expect(reports).to.deep.equal([{
      seconds: 1, others: { count: 0, addresses: 0 },
      named: [{ kind: 'denied', address: '10.0.0.1', count: 8 }, { kind: 'cut', address: '10.0.0.1', count: 8 }]
    }])
  })

  it('is cut for all addresses together, those excepted that are new', () => {
    const flood = made({ windowMs: 1000, perAddress: 10, total: 5 })
    expect(passed(flood, 100, 'denied', (index) => `10.0.0.${index}`), 'all are new').to.equal(100)
    expect(passed(flood, 100, 'denied', (index) => `10.0.0.${index}`)).to.equal(5)
    expect(passed(flood, 1, 'denied', () => '10.0.1.1'), 'another new one').to.equal(1)
  })

  it('takes an address for new again when nothing was heard of it for an hour', () => {
    const flood = made({ windowMs: 1000, perAddress: 10, total: 0 })
    expect(passed(flood, 2, 'denied', () => '10.0.0.1')).to.equal(1)
    now += 3_599_000
    expect(passed(flood, 1, 'denied', () => '10.0.0.1')).to.equal(0)
    now += 3_601_000
    expect(passed(flood, 1, 'denied', () => '10.0.0.1')).to.equal(1)
  })

  it('counts an IPv6 client by its /64', () => {
    const flood = made()
    expect(passed(flood, 10, 'denied', (index) => `2001:db8:0:1::${index}`)).to.equal(2)
    windows[0]?.run()
    expect(reports[0]?.named).to.deep.equal([{ kind: 'denied', address: '2001:db8:0:1::/64', count: 8 }])
  })

  it('names those of whom most was kept back and sums up the others', () => {
    const flood = made({ windowMs: 1000, perAddress: 0, total: 0 })
    for (let address = 0; address < 30; address += 1) passed(flood, 2 + address, 'denied', () => `10.0.0.${address}`)
    flood.flush()
    expect(reports[0]?.named).to.have.length(20)
    expect(reports[0]?.named[0]).to.deep.equal({ kind: 'denied', address: '10.0.0.29', count: 30 })
    expect(reports[0]?.others).to.deep.equal({ count: 55, addresses: 10 })
  })

  it('keeps no more addresses than it needs, and loses no count', () => {
    const flood = made({ windowMs: 1000, perAddress: 1, total: 0 })
    const shown = passed(flood, 100_000, 'denied', (index) => `10.${(index >> 16) & 255}.${(index >> 8) & 127}.${index & 255}`)
    flood.flush()
    const [{ named, others }] = reports as [FloodSummary]
    expect(named.reduce((sum, { count }) => sum + count, others.count) + shown).to.equal(100_000)
    expect(others.addresses).to.be.at.most(2000)
    expect(shown, 'as many as are remembered').to.equal(20_000)
  })

  it('without an address is nobody\'s', () => {
    const flood = made()
    passed(flood, 4, 'fault', () => '')
    flood.flush()
    expect(reports).to.deep.equal([{ seconds: 1, named: [{ kind: 'fault', address: '', count: 2 }], others: { count: 0, addresses: 0 } }])
  })

  it('begins anew with each window, which opens with its first line', () => {
    const flood = made()
    expect(windows).to.have.length(0)
    passed(flood, 3, 'denied', () => '10.0.0.1')
    expect(windows.map(({ ms }) => ms)).to.deep.equal([1000])
    windows[0]?.run()
    expect(windows).to.have.length(1)
    expect(passed(flood, 3, 'denied', () => '10.0.0.1')).to.equal(2)
    expect(windows).to.have.length(2)
    windows[1]?.run()
    expect(reports).to.have.length(2)
  })

  it('keeps no process alive', () => {
    const flood = createFlood(() => undefined)
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    flood.passes('denied', '10.0.0.1')
    expect(timers()).to.equal(before)
  })
})
