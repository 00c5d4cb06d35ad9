import { expect } from 'chai'
import { MAX_UNREAD_ANSWERS_BYTES, MAX_UNREAD_BYTES } from '../../../../lib/access/bounds.js'
import { Unread } from '../../../../lib/nms/common/unread.js'

describe('what a viewer leaves unread', () => {
  it('may be its burst and 16 MiB more', () => {
    const unread = new Unread(30_000_000)
    expect(unread.exceeds(30_000_000 + MAX_UNREAD_BYTES)).to.equal(false)
    expect(unread.exceeds(30_000_001 + MAX_UNREAD_BYTES)).to.equal(true)
  })

  it('may be less and less of the burst, as that is read', () => {
    const unread = new Unread(30_000_000)
    expect(unread.exceeds(0)).to.equal(false)
    expect(unread.exceeds(MAX_UNREAD_BYTES)).to.equal(false)
    expect(unread.exceeds(MAX_UNREAD_BYTES + 1)).to.equal(true)
  })

  it('may be a mebibyte of answers, counted from when all was read', () => {
    const unread = new Unread(0)
    expect(unread.answersExceed(0, MAX_UNREAD_ANSWERS_BYTES)).to.equal(false)
    expect(unread.answersExceed(0, 100)).to.equal(false)
    expect(unread.answersExceed(5_000_000, 5_000_000 + MAX_UNREAD_ANSWERS_BYTES - 100)).to.equal(false)
    expect(unread.answersExceed(6_000_000, 6_000_001)).to.equal(true)
  })
})
