import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createGrants } from '../../../../lib/nms/v4/grants.js'
import type { RtmpPeer } from '../../../../lib/nms/host.js'
import { adoptRtmp } from '../../../../lib/nms/v4/rtmp-peer.js'
import type { NmsRtmpSession } from '../../../../lib/nms/v4/shapes.js'
import { encodeAmfs } from '../../../support/amf.js'
import { toChunks } from '../../../support/rtmp-chunks.js'
import { construct } from './nms-package.js'

const COMMAND = 20
const VIDEO = 9
const DATA = 18

/** The header of a chunk that begins a message, or gives one that has begun another length and type. */
const header = (cid: number, type: number, length: number): Buffer => {
  const bytes = Buffer.alloc(12)
  bytes[0] = cid
  bytes.writeUIntBE(length, 4, 3)
  bytes[7] = type
  return bytes
}

describe('an RTMP connection in the parser of node-media-server', () => {
  let client: Socket
  let session: NmsRtmpSession
  let peer: RtmpPeer
  let server: ReturnType<typeof createServer>
  let onCommand: () => void
  let commands: number

  beforeEach(async () => {
    commands = 0
    onCommand = () => undefined
    const { load, context } = construct().found
    server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [socket] = await once(server, 'connection') as [Socket]
    session = new (load('session/rtmp_session.js') as new (socket: Socket) => NmsRtmpSession & { run: () => void })(socket)
    ;(session as unknown as { run: () => void }).run()
    peer = adoptRtmp(session, { context, grants: createGrants(), undo: new Set() }, false, { command: () => onCommand(), own: () => undefined, playEnded: () => undefined, closed: () => undefined, released: () => undefined })
    peer.feed(Buffer.concat([Buffer.of(3), randomBytes(3072)]))
  })
  afterEach(async () => {
    client.destroy()
    session.socket.destroy()
    server.close()
    await once(server, 'close')
  })

  it('refuses a message that is longer than allowed at its first byte', () => {
    peer.limit({ messageBytes: 16 * 1024 })
    expect(() => peer.feed(Buffer.concat([header(3, COMMAND, 16 * 1024 + 1), Buffer.alloc(1)]))).to.throw(RangeError, '16385 bytes')
  })

  it('refuses a message that grows after it has begun', () => {
    peer.limit({ messageBytes: Infinity })
    peer.feed(header(4, VIDEO, 10 * 1024 * 1024))
    peer.feed(randomBytes(128))
    peer.feed(header(4, COMMAND, 200 * 1024))
    const rest = Buffer.alloc(128)
    expect(() => { for (let at = 128; at < 200 * 1024; at += 128) peer.feed(Buffer.concat([rest, Buffer.of(0xc4)])) })
      .to.throw(RangeError, `${200 * 1024} bytes`)
  })

  it('refuses a message that shrinks below what has come of it, and takes one whose header is said again', () => {
    peer.limit({ messageBytes: Infinity })
    peer.feed(Buffer.concat([header(4, VIDEO, 1024), randomBytes(128), header(4, VIDEO, 1024), randomBytes(128), header(4, VIDEO, 300), randomBytes(44)]))
    expect(session.rtmp.parserPacket.bytes).to.equal(0)
    peer.feed(Buffer.concat([header(4, VIDEO, 1024), randomBytes(128)]))
    expect(() => peer.feed(header(4, VIDEO, 127))).to.throw(RangeError, '127 bytes after 128')
  })

  it('refuses metadata of more than a megabyte, which would keep the process busy', () => {
    peer.limit({ messageBytes: Infinity })
    expect(() => peer.feed(Buffer.concat([header(4, DATA, 1024 * 1024 + 1), Buffer.alloc(1)]))).to.throw(RangeError)
  })

  it('reserves little for messages that are begun on many chunk streams and never ended', () => {
    peer.limit({ messageBytes: 16 * 1024 })
    let begun = 0
    expect(() => {
      for (let cid = 3; cid < 64; cid += 1, begun += 1) peer.feed(Buffer.concat([header(cid, VIDEO, 16 * 1024), Buffer.alloc(128)]))
    }).to.throw(RangeError, 'too many chunk streams')
    expect(begun).to.be.within(3, 8)
  })

  it('keeps nothing of unfinished messages once the connection has ended', async () => {
    peer.limit({ messageBytes: Infinity })
    peer.feed(Buffer.concat([header(4, VIDEO, 10 * 1024 * 1024), Buffer.alloc(128)]))
    expect(session.rtmp.parserPacket.payload.length).to.be.above(10 * 1024 * 1024)
    session.socket.destroy()
    await once(session.socket, 'close')
    expect(session.rtmp.inPackets.size).to.equal(0)
    expect(session.rtmp.parserPacket.payload.length).to.equal(0)
  })

  it('parses nothing behind a command at which it was stopped, in the same piece neither', () => {
    const publish = toChunks({ type: COMMAND, streamId: 1, timestamp: 0, payload: encodeAmfs('publish', 1, null, 's', 'live') })
    onCommand = () => { commands += 1; peer.stop() }
    peer.feed(Buffer.concat([publish, publish, header(4, VIDEO, 0xffffff), Buffer.alloc(200), publish]))
    peer.feed(publish)
    expect(commands).to.equal(1)
  })

  it('takes the messages of a publisher on as many chunk streams as encoders use', () => {
    peer.limit({ messageBytes: Infinity })
    for (let cid = 3; cid < 12; cid += 1) peer.feed(Buffer.concat([header(cid, VIDEO, 1024 * 1024), Buffer.alloc(128)]))
  })
})
