import { expect } from 'chai'
import { Keys, MAX_KEYS, type Holder } from '../../../lib/hls/keys.js'

const holder = (key: string): Holder => ({ key, covered: undefined })
const keyOf = (name: string): string => name
const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `${from + index}`)

describe('the directories of sessions', () => {
  const setup = (...names: string[]): [Keys<Holder>, ...Holder[]] => {
    const keys = new Keys<Holder>()
    const holders = names.map(holder)
    for (const each of holders) keys.open(each)
    return [keys, ...holders]
  }

  it('are covered while a playlist names them, however many they are', () => {
    const [keys, a] = setup('a')
    keys.cover(a!, 'vod', numbered(0, 500), keyOf)
    expect(numbered(0, 500).every((key) => keys.find(key) === a)).to.equal(true)
    expect(keys.size).to.equal(501)
  })

  it('are kept for a while when a live stream moves on, and the oldest go first', () => {
    const [keys, a] = setup('a')
    keys.cover(a!, 'master', ['video', 'sound'], keyOf)
    for (let minute = 0; minute < 1000; minute++) {
      keys.cover(a!, 'video', ['video', ...numbered(minute, minute + 3)], keyOf)
      for (const key of numbered(minute, minute + 3)) expect(keys.find(key), key).to.equal(a)
      expect(keys.size).to.be.at.most(MAX_KEYS + 1)
    }
    expect([keys.find('video'), keys.find('sound'), keys.find('1001')]).to.deep.equal([a, a, a])
    expect([keys.find('0'), keys.find('900')]).to.deep.equal([undefined, undefined])
    expect(keys.find('990')).to.equal(a)
  })

  it('are bounded by the playlists that were fetched lately', () => {
    const [keys, a] = setup('a')
    for (let playlist = 0; playlist < 500; playlist++) keys.cover(a!, `playlist ${playlist}`, [`${playlist}`, `${playlist} too`], keyOf)
    expect(keys.size).to.be.at.most(1 + MAX_KEYS)
    expect(keys.find('499')).to.equal(a)
  })

  it('are looked at once for each version of a playlist', () => {
    const [keys, a] = setup('a')
    let calls = 0
    const version = ['x', 'y']
    for (let round = 0; round < 5; round++) keys.cover(a!, 'p', version, (name) => { calls += 1; return name })
    expect(calls).to.equal(2)
  })

  it('stay with the other session when one of two ends that were led there', () => {
    for (const first of [0, 1]) {
      const [keys, a, b] = setup('a', 'b')
      const both = [a!, b!]
      for (const each of both) keys.cover(each, `p of ${each.key}`, ['shared', `own of ${each.key}`], keyOf)
      expect(keys.find('shared')).to.equal(a)
      keys.close(both[first]!)
      expect(keys.find('shared')).to.equal(both[1 - first])
      keys.close(both[1 - first]!)
      expect([keys.find('shared'), keys.size]).to.deep.equal([undefined, 0])
    }
  })

  it('belong to who was opened for one, and then again to who was led there', () => {
    const [keys, a] = setup('a')
    keys.cover(a!, 'p', ['x'], keyOf)
    const x = holder('x')
    keys.open(x)
    expect(keys.find('x')).to.equal(x)
    keys.close(x)
    expect(keys.find('x')).to.equal(a)
    keys.close(a!)
    expect(keys.size).to.equal(0)
  })

  it('are as before for a session that comes back', () => {
    const [keys, a] = setup('a')
    keys.restore(a!, new Map(['a', 'x', 'y'].map((key) => [key, key])))
    expect([keys.find('x'), keys.find('y'), keys.size]).to.deep.equal([a, a, 3])
  })
})
