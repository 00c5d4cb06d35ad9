import { expect } from 'chai'
import fc from 'fast-check'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { connect, type AddressInfo } from 'node:net'
import { liveOf, streamPathOf, webSocketStreamPath } from '../../../../lib/nms/common/stream-path.js'

/** The Express that node-media-server itself uses, with its live route. */
const express = createRequire(createRequire(import.meta.url).resolve('node-media-server'))('express') as {
  (): RequestListener & { all: (path: string, handler: (req: { params: Record<string, string> }, res: { end: (text: string) => void }) => void) => void }
}

const MALFORMED = { is: 'malformed', of: 'live' }

/** Sends one raw request target and returns what the live route made of it, if it matched. */
const playedBy = (port: number, target: string): Promise<string | undefined> => new Promise((resolve, reject) => {
  const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 'latin1'))
  let answer = ''
  socket.on('data', (bytes) => { answer += bytes.toString('latin1') })
  socket.on('close', () => resolve(/live:(.*)$/.exec(answer)?.[1]))
  socket.on('error', reject)
})

describe('stream paths', () => {
  const server = createServer()
  let port = 0
  before(async () => {
    const app = express()
    app.all('/:app/:name.flv', (req, res) => res.end(`live:/${req.params['app']}/${req.params['name']}`))
    server.on('request', app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  after((done) => { server.close(done) })

  const spellings = [
    '/live/s.flv', '/live/%73.flv', '/LIVE/s.flv', '/live/s.FLV', '/live/s.flv/', '/live/s.flv//', '//live/s.flv', '/live//s.flv',
    '/live/s.flv#x', '/live/s.flv;x', '/live/s%2eflv', '/live/s.fl%76', '/live/s.%66lv', '/live%2fs.flv', '/live/a%20b.flv', '/live/a.b.flv',
    'http://other/live/s.flv', 'HTTP://other/live/s.flv', 'http://other//live/s.flv', '/./live/s.flv', '/x/../live/s.flv', '/live/../live/s.flv',
    '/live/s.flv%00', '/live/s.flv%23', '/live/s.flv%3f', '/live\\s.flv', '\\live\\s.flv', '/admin/x.flv', '/api/x.flv', '/live/%252e.flv',
    '/live/s.flv.', '/live/%E2%80%AE.flv', '/live/s.flv%20', '/live/.flv', '/%2e/s.flv', 'live/s.flv', '*', '/live/s.flv%2f'
  ]
  for (const target of spellings) {
    it(`knows what ${JSON.stringify(target)} plays, or refuses it`, async () => {
      const played = await playedBy(port, target)
      if (played !== undefined) expect(liveOf(target)).to.deep.be.oneOf([{ is: 'live', streamPath: played }, MALFORMED])
    })
  }

  it('lets no spelling pass that the live route would take for another stream', async () => {
    const piece = fc.constantFrom('/', '//', 'live', 's', '.flv', '.FLV', '%2e', '%2f', '%66', '%', '\\', ';', '#', '.', '..', 'http://h', ' ', '%20', '%00', 'é', '-', '_', '%25', 'flv')
    await fc.assert(fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async (pieces) => {
      const target = pieces.join('').replaceAll(' ', '+')
      const played = await playedBy(port, target)
      if (played === undefined) return
      expect(liveOf(target), target).to.deep.be.oneOf([{ is: 'live', streamPath: played }, MALFORMED])
    }), { numRuns: 400, seed: 1 })
  })

  it('takes a WebSocket target with or without .flv and nothing else', () => {
    expect(webSocketStreamPath('/live/s')).to.equal('/live/s')
    expect(webSocketStreamPath('/live/s.flv')).to.equal('/live/s')
    for (const target of ['/', '', '/live', '/live/', '/live/s.mp4', '/live/s/x', '/live/s.flv/', '//live/s', '/live/%73', 'http://h/live/s', '/live/s.flv.flv', '/live/s\n']) {
      expect(webSocketStreamPath(target), target).to.equal(undefined)
    }
  })

  it('takes RTMP names of letters, digits, _ and - only', () => {
    expect(streamPathOf('live', 's_1-a')).to.equal('/live/s_1-a')
    for (const [app, name] of [['', 's'], ['live', ''], ['live/x', 's'], ['live', 'a/b'], ['live', 's.flv'], ['live?token=1', 's'], ['live', 's\n'], ['live', 'é']]) {
      expect(streamPathOf(app ?? '', name ?? ''), `${app} ${name}`).to.equal(undefined)
    }
  })
})
