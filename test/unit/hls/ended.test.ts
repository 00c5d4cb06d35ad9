import { expect } from 'chai'
import { createEnded, MAX_ENDED } from '../../../lib/hls/ended.js'

describe('a session that has ended', () => {
  /** What a backend's answers are remembered for. */
  const setup = (max?: number) => {
    const remembered = new Set<string>(['a', 'b', 'c', 'd'])
    return { remembered, ended: createEnded<string>((name) => remembered.has(name), max) }
  }

  it('is found by each of its keys, as long as it is remembered', () => {
    const { remembered, ended } = setup()
    ended.add(['1', '2'], 'a')
    expect([ended.find('1'), ended.find('2'), ended.find('3')]).to.deep.equal(['a', 'a', undefined])
    remembered.delete('a')
    expect([ended.find('1'), ended.find('2')]).to.deep.equal([undefined, undefined])
    expect(ended.size).to.equal(0)
  })

  it('is not kept if nothing is remembered of it, and replaces what was there', () => {
    const { ended } = setup()
    ended.add(['1'], 'a')
    ended.add(['1', '2'], 'unknown')
    expect(ended.find('1')).to.equal(undefined)
    expect(ended.size).to.equal(0)
  })

  it('lets go of those that are over when another ends, without being asked for them', () => {
    const { remembered, ended } = setup()
    ended.add(['1', '2'], 'a')
    ended.add(['3'], 'b')
    remembered.delete('a')
    ended.add(['4'], 'c')
    expect(ended.size).to.equal(2)
    expect([ended.find('3'), ended.find('4')]).to.deep.equal(['b', 'c'])
  })

  it('goes first of those that last if there is no room', () => {
    const { ended } = setup(3)
    ended.add(['1'], 'a')
    ended.add(['2'], 'b')
    ended.add(['1'], 'a')
    ended.add(['3', '4'], 'c')
    expect(['1', '2', '3', '4'].map(ended.find)).to.deep.equal(['a', undefined, 'c', 'c'])
    expect(ended.size).to.equal(3)
  })

  it('is one of a bounded number', () => {
    const ended = createEnded<number>(() => true)
    for (let number = 0; number < MAX_ENDED + 100; number++) ended.add([String(number)], number)
    expect(ended.size).to.equal(MAX_ENDED)
  })

  it('is forgotten when it is opened again', () => {
    const { ended } = setup()
    ended.add(['1', '2'], 'a')
    ended.forget('1')
    expect([ended.find('1'), ended.find('2')]).to.deep.equal([undefined, 'a'])
  })
})
