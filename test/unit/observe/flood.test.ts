import { expect } from 'chai'
import { createFlood, type Flood } from '../../../lib/observe/flood.js'

describe('a flood of lines', () => {
  let reports: string[] = []
  let windows: { run: () => void, ms: number }[] = []
  const made = (limits = { windowMs: 1000, perAddress: 2, total: 5 }): Flood => {
    reports = []
    windows = []
    return createFlood((line) => reports.push(line), limits, (run, ms) => windows.push({ run, ms }))
  }
  const passed = (flood: Flood, count: number, kind: string, ip: (index: number) => string): number =>
    Array.from({ length: count }, (_, index) => flood.passes(kind, ip(index))).filter(Boolean).length

  it('passes while it is none, and nothing is reported', () => {
    const flood = made()
    expect(passed(flood, 2, 'denied', () => '10.0.0.1')).to.equal(2)
    windows[0]?.run()
    expect(reports).to.deep.equal([])
  })

  it('is cut for each address, and counted', () => {
    const flood = made()
    expect(passed(flood, 10, 'denied', () => '10.0.0.1')).to.equal(2)
    expect(passed(flood, 1, 'denied', () => '10.0.0.2')).to.equal(1)
    windows[0]?.run()
    expect(reports).to.deep.equal(['8 more within 1 s from 10.0.0.1: 8 denied'])
  })

  it('is cut for all addresses together', () => {
    const flood = made()
    expect(passed(flood, 100, 'denied', (index) => `10.0.0.${index}`)).to.equal(5)
    windows[0]?.run()
    expect(reports).to.deep.equal(['95 more within 1 s from 95 addresses: 95 denied'])
  })

  it('counts an IPv6 client by its /64', () => {
    const flood = made()
    expect(passed(flood, 10, 'denied', (index) => `2001:db8:0:1::${index}`)).to.equal(2)
    windows[0]?.run()
    expect(reports).to.deep.equal(['8 more within 1 s from 2001:db8:0:1::/64: 8 denied'])
  })

  it('names a few kinds and sums up the others', () => {
    const flood = made({ windowMs: 1000, perAddress: 0, total: 0 })
    for (let kind = 0; kind < 20; kind += 1) flood.passes(`kind ${kind}`, '10.0.0.1')
    flood.flush()
    expect(reports).to.have.length(1)
    expect(reports[0]).to.match(/^20 more within 1 s from 10\.0\.0\.1: 1 kind 0; .*1 kind 7; 12 for other reasons$/)
  })

  it('keeps no more addresses than it needs', () => {
    const flood = made({ windowMs: 1000, perAddress: 1, total: 0 })
    passed(flood, 5000, 'denied', (index) => `10.1.${index >> 8}.${index & 255}`)
    flood.flush()
    expect(reports[0]).to.include('5000 more within 1 s from 1000 or more addresses')
  })

  it('without an address is nobody\'s', () => {
    const flood = made()
    passed(flood, 4, 'fault', () => '')
    flood.flush()
    expect(reports).to.deep.equal(['2 more within 1 s: 2 fault'])
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
