import { expect } from 'chai'
import { readArguments } from '../../../lib/command/arguments.js'
import { Misuse } from '../../../lib/errors.js'

const options = { config: { type: 'string', short: 'c' }, publish: { type: 'boolean' } } as const
const read = (...args: string[]) => readArguments({ args, options, allowPositionals: true })

describe('the arguments of a command', () => {
  it('are read as they are written', () => {
    const { values, positionals } = read('url', '-c', 'file', '--publish')
    expect({ ...values, positionals }).to.deep.equal({ config: 'file', publish: true, positionals: ['url'] })
  })

  for (const [args, message] of [
    [['--confg', 'file'], 'unknown option --confg, did you mean --config?'],
    [['--confg=file'], 'unknown option --confg, did you mean --config?'],
    [['-c', 'file', '--Publish'], 'unknown option --Publish, did you mean --publish?'],
    [['-x'], 'unknown option -x'],
    [['--everything-else'], 'unknown option --everything-else'],
    [['--', '--confg', '-c'], undefined]
  ] as const) {
    it(`${args.join(' ')}: ${message ?? 'are no mistake'}`, () => {
      if (message === undefined) expect(() => read(...args)).not.to.throw()
      else expect(() => read(...args)).to.throw(Misuse, message)
    })
  }

  it('name a flag that lacks its value', () => {
    expect(() => read('--config')).to.throw(Misuse, '--config')
  })
})
