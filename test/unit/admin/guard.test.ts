import { expect } from 'chai'
import fc from 'fast-check'
import type { IncomingMessage } from 'node:http'
import { createGuard } from '../../../lib/admin/guard.js'

const TOKEN = 'correct-horse-battery-staple'
const guard = createGuard({ bind: '127.0.0.1', hosts: [], token: TOKEN })
const lets = (authorization?: string): boolean => guard.hasToken({ headers: { ...(authorization !== undefined && { authorization }) } } as IncomingMessage)

/** Something like the token: part of it, more than it, one letter of it changed, or anything else. */
const almost = fc.oneof(
  fc.nat(TOKEN.length).map((length) => TOKEN.slice(0, length)),
  fc.string({ unit: 'grapheme-ascii' }).map((more) => TOKEN + more),
  fc.string({ unit: 'grapheme-ascii' }).map((before) => before + TOKEN),
  fc.tuple(fc.nat(TOKEN.length - 1), fc.string({ minLength: 1, maxLength: 1 })).map(([at, letter]) => TOKEN.slice(0, at) + letter + TOKEN.slice(at + 1)),
  fc.constantFrom(TOKEN.toUpperCase(), `${TOKEN}\0`, '', ' ', 'x'.repeat(2000)),
  fc.string()
).filter((text) => text !== TOKEN)

describe('the token of the admin server', () => {
  it('lets in with the scheme in any case', () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) expect(lets(`${scheme} ${TOKEN}`)).to.equal(true)
  })

  it('lets in with nothing that only looks like it', () => {
    fc.assert(fc.property(almost, (text) => !lets(`Bearer ${text}`)))
  })

  it('lets in under no other scheme, and not by itself', () => {
    for (const header of [undefined, '', TOKEN, `Basic ${TOKEN}`, `Bearer  ${TOKEN}`, `Bearer ${TOKEN} `, `Bearer ${TOKEN}, Bearer x`, `Bearer\t${TOKEN}`]) expect(lets(header), String(header)).to.equal(false)
  })
})
