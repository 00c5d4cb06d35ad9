import { expect } from 'chai'
import { GuardedFlvParser } from '../../../../lib/nms/v4/flv-parser.js'
import type { NmsFlv, NmsFlvSession, NmsPacket } from '../../../../lib/nms/v4/shapes.js'
import { FLV_HEADER, flvTag } from '../../../support/flv.js'
import { construct } from './nms-package.js'

const MB = 1024 * 1024
const VIDEO = 9
const SCRIPT = 18

describe('GuardedFlvParser', () => {
  let flv: NmsFlv
  let packets: NmsPacket[]
  let parser: GuardedFlvParser

  beforeEach(() => {
    const Flv = construct().found.load('protocol/flv.js') as new () => NmsFlv & { parserData: (bytes: Buffer) => string | null }
    const made = new Flv()
    flv = made
    packets = []
    const session = {
      flv,
      onPacket: (packet: NmsPacket) => { packets.push({ ...packet, data: Buffer.from(packet.data.subarray(0, packet.size)) }) },
      onData: (bytes: Buffer) => { made.parserData(bytes) }
    }
    parser = new GuardedFlvParser(session as unknown as NmsFlvSession)
    flv.onPacketCallback = session.onPacket
    parser.feed(FLV_HEADER)
  })

  /** A tag's header, and what comes of the tag. */
  const begun = (size: number, piece: Buffer): Buffer =>
    Buffer.concat([Buffer.of(VIDEO, size >> 16, size >> 8 & 0xff, size & 0xff, 0, 0, 0, 0, 0, 0, 0), piece])

  it('reserves for what has come of a tag, not for what it announces', () => {
    parser.feed(begun(16 * MB - 1, Buffer.alloc(10)))
    expect(flv.parserTagData.length).to.equal(MB)
    for (let n = 0; n < 3 * MB; n += 64 * 1024) parser.feed(Buffer.alloc(64 * 1024))
    expect(flv.parserTagData.length).to.be.within(3 * MB, 6.5 * MB)
  })

  it('reads a tag that comes in pieces as it was sent', () => {
    const payload = Buffer.from(Array.from({ length: 3 * MB }, (_, n) => n * 7 + (n >> 8) & 0xff))
    const bytes = Buffer.concat([flvTag({ type: VIDEO, timestamp: 0, payload }), flvTag({ type: VIDEO, timestamp: 40, payload: payload.subarray(0, 100) })])
    for (let at = 0; at < bytes.length; at += 50_000) parser.feed(bytes.subarray(at, at + 50_000))
    expect(packets.map(({ size }) => size)).to.deep.equal([payload.length, 100])
    expect(packets[0]!.data.equals(payload)).to.equal(true)
  })

  it('refuses metadata above a megabyte before it reserves anything', () => {
    const size = MB + 1
    expect(() => parser.feed(Buffer.concat([Buffer.of(SCRIPT, size >> 16, size >> 8 & 0xff, size & 0xff, 0, 0, 0, 0, 0, 0, 0), Buffer.of(2)])))
      .to.throw(RangeError, `metadata of ${size} bytes`)
    expect(flv.parserTagData.length).to.equal(MB)
  })

  it('keeps nothing of an unfinished tag after the end, and takes late bytes', () => {
    parser.feed(begun(8 * MB, Buffer.alloc(3 * MB)))
    parser.release()
    expect(flv.parserTagData.length).to.equal(0)
    parser.feed(Buffer.alloc(1000))
    expect(flv.parserTagData.length).to.be.below(7 * MB)
  })

  it('hands the parser back with NMS\'s own way to reserve', () => {
    parser.feed(begun(3 * MB, Buffer.alloc(10, 1)))
    parser.restore()
    parser.feed(Buffer.alloc(MB, 1))
    expect(flv.parserTagData.length).to.equal(6 * MB)
    expect(flv.parserTagData.subarray(0, MB + 10).every((byte) => byte === 1)).to.equal(true)
  })
})
