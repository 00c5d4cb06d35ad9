import { expect } from 'chai'
import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server, type ClientHttp2Session } from 'node:http2'
import { createRequire } from 'node:module'
import { connect, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileKind } from '../../../../lib/gate/files/kind.js'
import { splitTarget } from '../../../../lib/gate/http/target.js'
import { readServedPath } from '../../../../lib/gate/files/served-path.js'
import { liveOf } from '../../../../lib/nms/common/stream-path.js'
import { DEFAULTS } from '../../../../lib/options/defaults.js'
import { writeFiles } from '../../../support/hls-files.js'

type Handler = (req: { params: Record<string, string> }, res: { end: (text: string) => void }) => void
interface Express {
  (): RequestListener
  static: (root: string) => RequestListener
}
type App = RequestListener & { set: (name: string, value: string) => void, use: (path: string, handler: RequestListener) => void, all: (path: string, handler: Handler) => void }

/** Node-media-server's own Express, made and mounted as it does it. */
const require = createRequire(createRequire(import.meta.url).resolve('node-media-server'))
const express = require('express') as Express
const http2Express = require('http2-express') as (express: Express) => App

/** Each file's content is its name. */
const FILES = [
  'rec.flv', 'x.html', 'index.html', 'list.m3u8', 'live/index.html', 'live/page.css', 'live/s/index.m3u8', 'live/s/1.ts', 'live/s/a b.mp4', 'live/s/é.mp4', 'live/s/rec.flv',
  'live/s/no-extension', 'live/s/a;b.ts', 'live/s/100%.ts', 'live/s/%41.ts', 'live/s/.hidden/x.ts', 'live/s/.ts', 'live/s/x.', 'live/s/dir.html/secret.ts', 'static/rec.flv', 'admin/x.ts'
]
const kindOf = createFileKind(DEFAULTS.files.open)

/** The stream path, or why there is none. */
const knownAs = (rawPath: string): string => {
  const live = liveOf(rawPath)
  return live.is === 'live' ? live.streamPath : live.is
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))

for (const router of ['/static', '/static/', '/a/b', '/StaTic', '/']) {
  describe(`paths below a static route at ${router}`, () => {
    const read = readServedPath(router)
    const mount = router.replace(/\/$/, '')
    let root = ''
    let servers: Server[] = []
    let port = 0
    let session: ClientHttp2Session
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'nms-http-auth-'))
      await writeFiles(root, Object.fromEntries(FILES.map((file) => [file, `file:${file}:`])))
      const app = http2Express(express)
      // Or it prints each error that it answers.
      app.set('env', 'test')
      app.use(router, express.static(root))
      app.all('/:app/:name.flv', (req, res) => res.end(`live:/${req.params['app']}/${req.params['name']}:`))
      servers = [createServer(app), createHttp2Server(app as never)]
      port = await listen(servers[0]!)
      session = connectHttp2(`http://127.0.0.1:${await listen(servers[1]!)}`)
    })
    after(async () => {
      session.destroy()
      for (const server of servers) server.close()
      await rm(root, { recursive: true })
    })

    const overHttp1 = (target: string, method: string): Promise<string> => new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-999\r\nConnection: close\r\n\r\n`, 'latin1'))
      const chunks: Buffer[] = []
      socket.on('data', (bytes: Buffer) => chunks.push(bytes)).on('close', () => resolve(Buffer.concat(chunks).toString('utf8'))).on('error', reject)
    })
    const overHttp2 = (target: string, method: string): Promise<string> => new Promise((resolve) => {
      let text = ''
      let stream
      try {
        stream = session.request({ ':path': target, ':method': method })
      } catch {
        return resolve('')
      }
      stream.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('error', () => undefined).on('close', () => resolve(text)).end()
    })

    /** What Express gives for a target must be what the gate takes it for, or be refused. */
    const check = async (target: string, method = 'GET'): Promise<void> => {
      const { rawPath } = splitTarget(target)
      const served = read(rawPath)
      for (const answer of [await overHttp1(target.replace(/[\s]/g, ''), method), await overHttp2(target, method)]) {
        const [, file] = /file:([^:]*):/.exec(answer) ?? []
        if (file !== undefined) {
          expect(served, `${target} serves ${file}`).to.not.equal(undefined)
          if (served === null || served === undefined) continue
          const named = served.file === '' || served.file.endsWith('/') ? `${served.file}index.html` : served.file
          expect(named, target).to.equal(file)
          expect(served.path, target).to.equal(served.file === '' && !served.path.endsWith('/') ? mount : `${mount}/${served.file}`)
          if (kindOf(served.file) === 'open') expect(kindOf(file), target).to.equal('open')
        }
        const [, live] = /live:([^:]*):/.exec(answer) ?? []
        if (live !== undefined && served === undefined) expect(knownAs(rawPath), target).to.be.oneOf([live, 'malformed'])
        // A target below the mount that is live must be known to be possibly both.
        if (live !== undefined && served) {
          expect(knownAs(rawPath), target).to.not.equal('other')
          expect(rawPath, target).to.match(/^\/[^/]+\/[^/]+\/?$/)
        }
      }
    }

    const m = mount
    const spellings = [
      `${m}/live/s/index.m3u8`, `${m}/live/s/1.ts`, `${m.toUpperCase()}/live/s/1.ts`, `${m}/live/s/%31.ts`, `${m}/live/s/1%2ets`, `${m}/live/s%2f1.ts`, `${m}%2flive/s/1.ts`,
      `${m}//live/s/1.ts`, `/${m}/live/s/1.ts`, `//${m}/live/s/1.ts`, `${m}/live//s/1.ts`, `${m}/live/./s/1.ts`, `${m}/live/x/../s/1.ts`, `${m}/live/x/%2e%2e/s/1.ts`, `${m}/..%2f${m.slice(1)}/live/s/1.ts`,
      `${m}/live/s/1.ts/`, `${m}/live/s/1.ts//`, `${m}/live/s/1.ts/.`, `${m}/live/s/1.ts.`, `${m}/live/s/1.ts%20`, `${m}/live/s/1.ts%00`, `${m}/live/s/1.ts%00.html`, `${m}/live/s/1.ts;.html`, `${m}/live/s/1.ts%3f.html`,
      `${m}/live/s/1.ts?x.html`, `${m}/live/s/1.ts#.html`, `${m}/live/s/1.ts#?.html`, `${m}\\live\\s\\1.ts`, `${m}\\live\\s\\1.ts#`, `\\${m.slice(1)}/live/s/1.ts#`, `${m}/live\\s\\1.ts#x`, `${m}/live%5cs%5c1.ts`,
      `http://x${m}/live/s/1.ts`, `HTTP://x${m}/live/s/1.ts`, `http://x/${m}/live/s/1.ts`, `http://u@x${m}/live/s/1.ts`, `http:/${m}/live/s/1.ts`, `http:${m}/live/s/1.ts`, `x:${m}/live/s/1.ts`, `ftp://x${m}/live/s/1.ts`, `http://x\\${m.slice(1)}\\live\\s\\1.ts`,
      `http://x?${m}/live/s/1.ts`, `http://x#${m}/live/s/1.ts`, `${m.slice(1)}/live/s/1.ts`, `*`, '', `?${m}/live/s/1.ts`, `${m}/live/s/a%20b.mp4`, `${m}/live/s/a+b.mp4`, `${m}/live/s/a b.mp4`, `${m}/live/s/1.ts `, ` ${m}/live/s/1.ts`, `\t${m}/live/s/1.ts`, `${m}/live/s/1.ts\t`,
      `${m}/live/s/%C3%A9.mp4`, `${m}/live/s/é.mp4`, `${m}/live/s/e%CC%81.mp4`, `${m}/live/s/%E9.mp4`, `${m}/live/s/%c3.mp4`, `${m}/live/s/%`, `${m}/live/s/%zz`, `${m}/live/s/100%25.ts`, `${m}/live/s/%2541.ts`, `${m}/live/s/%252e%252e/1.ts`,
      `${m}/live/s/a;b.ts`, `${m}/live;x/s/1.ts`, `${m}/live/s/.ts`, `${m}/live/s/.hidden/x.ts`, `${m}/live/s/%2ehidden/x.ts`, `${m}/live/s/x.`, `${m}/live/s/no-extension`, `${m}/live/s/dir.html`, `${m}/live/s/dir.html/`, `${m}/live/s/dir.html/secret.ts`,
      m, `${m}/`, `${m}/live`, `${m}/live/`, `${m}/live/index.html`, `${m}/x.html`, `${m}/x.HTML`, `${m}/rec.flv`, `${m}/rec.FLV`, `${m}/rec.flv/`, `${m}/r%65c.flv`, `${m}/none.flv`, `${m}/none.flv/`, `${m}/n%20ne.flv`, `${m}/live/s/rec.flv`, `${m}/live/s/none.flv`, '/static/rec.flv',
      `${m}x/live/s/1.ts`, `${m}.flv`, '/admin/x.ts', '/admin/x.flv', '/live/s.flv', `${m}/live/s/1.ts\u00a0`, `${m}\u00a0/live/s/1.ts`, `${m}/live/s/1.ts?\u00a0`, `${m}/list.m3u8`, `${m}/LIST.m3u8`
    ]
    for (const target of spellings) {
      it(`are read as Express does, or refused: ${JSON.stringify(target)}`, async () => {
        await check(target)
        await check(target, 'HEAD')
      })
    }

    it('are served to GET and HEAD alone', async () => {
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND']) {
        expect(await overHttp1(`${m}/live/s/1.ts`, method), method).to.not.contain('file:')
        expect(await overHttp2(`${m}/live/s/1.ts`, method), method).to.not.contain('file:')
      }
    })

    it('are what Express serves, in whatever spelling, or refused', async function () {
      this.timeout(60_000)
      const piece = fc.constantFrom(
        m, m.slice(1), 'live', 's', '1.ts', 'rec.flv', 'x.html', 'index.m3u8', '/', '/', '/', '//', '\\', '.', '..', '%2e', '%2f', '%5c', '%00', '%20', '#', '?', ';', 'http://h', 'http:', ':', '@', '%', '%25', ' ', '\t', '\u00a0', '%4', 'é', '.html', '.'
      )
      await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 7 }), fc.boolean(), async (pieces, below) => {
        await check(`${below ? `${m}/` : ''}${pieces.join('')}`)
      }), { numRuns: 300, seed: 1 })
    })
  })
}

describe('a path below the static route', () => {
  const read = readServedPath('/static')
  for (const [target, path] of [
    ['/static/live/s/index.m3u8', '/static/live/s/index.m3u8'], ['/STATIC/live/%73/index.m3u8', '/static/live/s/index.m3u8'], ['/static/%D0%BF.ts', '/static/п.ts'],
    ['/static', '/static'], ['/static/', '/static/'], ['/static/live/', '/static/live/']
  ]) {
    it(`is ${path} for ${target}`, () => { expect(read(target!)?.path).to.equal(path) })
  }
  for (const target of [
    '/static//a.ts', '/static/a%2fb.ts', '/static/a%5Cb.ts', '/static/../a.ts', '/static/%2e%2e/a.ts', '/static/a.ts.', '/static/a.ts%20', '/static/a%00.ts', '/static/.a', '/static/%zz', 'http://h/static/a.ts',
    '/static\\a.ts', '/static/é.ts', 'static/a.ts', ''
  ]) {
    it(`is refused as ${JSON.stringify(target)}`, () => { expect(read(target)).to.equal(null) })
  }
  for (const target of ['/statics/a.ts', '/', '/admin/', '/%73tatic/a.ts', 'http://h/admin/', '//static/a.ts']) {
    it(`is none in ${target}`, () => { expect(read(target)).to.equal(undefined) })
  }
})
