import { createServer, type AddressInfo } from 'node:net'
import { expect } from 'chai'
import { cleanup } from '../support/cleanup.js'
import { codeBlocks } from '../support/readme.js'
import { RtmpClient } from '../support/rtmp-client.js'
import { startServer } from '../support/server.js'

describe('the request that the README shows', () => {
  const keep = cleanup()
  after(() => keep.run())

  it('is what the backend\'s socket gets, to the byte', async () => {
    const [shown] = codeBlocks('http')
    const tcp = createServer((socket) => {
      let text = ''
      socket.setEncoding('latin1').on('error', () => undefined).on('data', (more: string) => {
        text += more
        if (!text.endsWith('\r\n\r\n')) return
        // The probe at the start comes on a connection of its own.
        if (!/^X-Session-Id: probe-/m.test(text)) sent += text
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      })
    })
    let sent = ''
    await new Promise<void>((resolve) => { tcp.listen(0, '127.0.0.1', resolve) })
    keep({ close: () => new Promise<void>((resolve) => { tcp.close(() => resolve()) }) })
    const { port } = tcp.address() as AddressInfo
    const server = keep(await startServer({ options: { url: `http://127.0.0.1:${port}`, params: { action: '{action}' } } }))
    const player = await RtmpClient.connected({ port: server.ports.rtmp, app: 'live', tcUrl: 'rtmp://live.example.com/live', flashVer: 'LNX 9,0,124,2' })
    keep({ close: () => player.wire.close() })
    player.play('s?token=123')
    await player.status('NetStream.Play.Failed')

    const { sessionId } = (await server.verdicts())[0]!.request
    const [, example = ''] = /^X-Session-Id: (.*)$/m.exec(shown!.text) ?? []
    expect(example).to.have.lengthOf(sessionId.length)
    const expected = shown!.text.replace(example, sessionId).replace('127.0.0.1:6000', `127.0.0.1:${port}`).replace('203.0.113.7', '127.0.0.1')
    expect(sent).to.equal(`${expected.replaceAll('\n', '\r\n')}\r\n`)
  })
})
