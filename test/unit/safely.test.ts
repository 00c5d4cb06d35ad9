import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { ESLint } from 'eslint'
import { onCaught, safely } from '../../lib/safely.js'
import callbacks from '../../scripts/callbacks.js'

describe('a callback made by safely()', () => {
  let told: unknown[]
  let off: () => void
  beforeEach(() => {
    told = []
    off = onCaught((error) => told.push(error))
  })
  afterEach(() => off())

  it('passes arguments and `this` on', () => {
    const emitter = new EventEmitter()
    const seen: unknown[] = []
    emitter.on('event', safely(undefined, function (this: EventEmitter, ...args: unknown[]) { seen.push(this, ...args) }))
    emitter.emit('event', 1, 'two')
    expect(seen).to.deep.equal([emitter, 1, 'two'])
  })

  it('ends its owner alone when it throws, and is reported', () => {
    const bug = new Error('bug')
    let ended = 0
    const emitter = new EventEmitter()
    emitter.on('event', safely({ destroy: () => { ended += 1 } }, () => { throw bug }))
    let others = 0
    emitter.on('event', () => { others += 1 })
    emitter.emit('event')
    expect({ ended, others, told }).to.deep.equal({ ended: 1, others: 1, told: [bug] })
  })

  it('gives an owner that is a function what the callback was given', () => {
    const ended: unknown[] = []
    safely((_, name: string) => { ended.push(name) }, (name: string) => { throw new Error(name) })('who')
    expect(ended).to.deep.equal(['who'])
  })

  it('throws nothing even if reporting and ending fail', () => {
    const offToo = onCaught(() => { throw new Error('report') })
    expect(() => safely({ destroy: () => { throw new Error('end') } }, () => { throw new Error('bug') })()).not.to.throw()
    offToo()
    expect(told).to.have.length(1)
  })

  it('warns if nobody listens', async () => {
    off()
    const warning = once(process, 'warning')
    safely(undefined, () => { throw new Error('token=hunter2') })()
    expect(String((await warning)[0])).to.include('token=***').and.not.include('hunter2')
  })
})

describe('the lint rule for callbacks', () => {
  const lint = async (code: string): Promise<number> => {
    const linter = new ESLint({
      cwd: fileURLToPath(new URL('../../', import.meta.url)), overrideConfigFile: true,
      overrideConfig: [{ files: ['**/*.js'], plugins: { safely: callbacks }, rules: { 'safely/callbacks': 'error' } }]
    })
    const [result] = await linter.lintText(code, { filePath: 'lib/invented.js' })
    return result?.messages.filter(({ ruleId }) => ruleId === 'safely/callbacks').length ?? -1
  }

  for (const [verdict, codes] of [
    [0, [
      's.on("data", safely(s, go))', 's.on("error", () => undefined)', 'setTimeout(safely(s, go), 1)', 'const go = safely(s, f); s.once("end", go)',
      'class A { go = safely(this, f); start(s) { s.on("data", this.go) } }', 'await new Promise((done) => setImmediate(done))', 'listeners.on(1)', 's.off("data", go)',
      'const go = safely(s, f); class A { handleEvent() { go(this) } start(s) { s.addEventListener("abort", this) } }'
    ]],
    [1, [
      's.on("data", go)', 's.on("data", () => go())', 'const go = () => f(); s.once("end", go)', 'class A { go = () => f(); start(s) { s.on("data", this.go) } }',
      'class A { start(s) { s.on("data", this.go) } go() {} }', 'setTimeout(go, 1)', 'setInterval(() => go(), 1)', 'setImmediate(go)', 's.prependListener("x", go)',
      's.addEventListener("abort", go)', 'function f(go) { setTimeout(go, 1) }',
      'class A { handleEvent() { go(this) } start(s) { s.addEventListener("abort", this) } }'
    ]]
  ] as const) {
    for (const code of codes) {
      it(`${verdict === 0 ? 'accepts' : 'refuses'} ${code}`, async () => { expect(await lint(code)).to.equal(verdict) })
    }
  }
})
