import { expect } from 'chai'
import { byToken, type Asked, type BackendAnswer } from '../../support/backend.js'
import { isRtmp } from '../../support/clients.js'
import { LOGS_CLIENT_BYTES, SESSION_ID } from '../../support/hosts.js'
import type { Decided } from '../../support/server.js'
import { atMost } from '../../support/waiting.js'
import { openArena, type Arena } from './arena.js'
import { actionsOf, attack, fileOf, isFile, MEDIA, protocolOfWay, WAYS, YES, type FileWay, type Outcome, type Shape, type Way } from './attack.js'

/** Stands in every token and must stand in no line of any log. */
const SECRET = 'S3CR3T'
const TOKEN = `token=${SECRET}`

type Attempt = Omit<Shape, 'action'>

/** What one class of attacks leads to. */
interface Seen { readonly outcomes: readonly Outcome[], readonly verdicts: readonly Decided[], readonly asked: readonly Asked[] }

/** One class of attacks: all its attempts are made at once, to play and to publish. */
interface Attack {
  readonly by: string
  readonly attempts: (way: Way) => readonly Attempt[]
  /** Default: token 123 is allowed and nothing else. */
  readonly backend?: (asked: Asked) => BackendAnswer
  /** What must hold besides. */
  readonly also?: (seen: Seen, way: Way) => void
}

/** More at once would wait for this machine, and longer than they are willing to. */
const AT_ONCE = 100
const FIVE = ['X-Session-Id', 'X-Real-Ip', 'X-Real-Path', 'X-Real-Origin', 'X-Real-Ua']

const names = ({ rawHeaders }: Asked): string[] => rawHeaders.filter((_, index) => index % 2 === 0)
const header = ({ headers }: Asked, name: string): string => String(headers[name])

/** The query behind what the operator added. */
const clientQuery = ({ query }: Asked): string => query.replace(/^service=\w*&?/, '')

const lastOf = (query: string, name: string): string | null => new URLSearchParams(query).getAll(name).at(-1) ?? null

/** As the most forgiving backend reads a parameter: the last that could be meant by the name. */
const forgivingly = (query: string, name: string): string => {
  const values = query.split(/[&;]/).flatMap((part) => {
    const [raw = '', value = ''] = part.split('=')
    const read = decodeURIComponent(raw.replaceAll('+', ' ').replace(/%(?![\da-f]{2})/gi, '%25')).split('\0')[0]!.trim().toLowerCase().replace(/[. ]/g, '_')
    return read.split('[')[0] === name ? [value] : []
  })
  return values.at(-1) ?? ''
}

const BAD_BYTES = [
  '\r\nX-Injected: 1', '\nX-Injected: 1', '\r', '\0', '\x01', '\x7f', '\xff', '\x80', '\u00e9\u2602', '\ud83d\ude00', '\ud800', '\u2028', '\ufeff',
  '%0d%0aX-Injected:%201', '%00', ' HTTP/1.1\r\nX-Injected: 1\r\n\r\n', '\t', ' ', '"', '\\', '#', '%', '%zz'
]

/** uWSGI's 4 KiB: the query is in there twice, and each header with its name. Bigger ones are dropped without a word. */
const dropsLarge = (asked: Asked): BackendAnswer =>
  2 * asked.url.length + asked.rawHeaders.reduce((size, text) => size + text.length + 4, 300) > 4096 ? { destroy: true } : byToken(asked)

/** Of files a whole directory is let out, so that is what a backend decides on. */
const TARGET = new RegExp(`^/live/target(?:\\.flv)?$|^${MEDIA}/live/target/`)

/** Everybody may have any stream but the target; so to be asked about it by another name is to get in. */
const allButTarget = (asked: Asked): BackendAnswer =>
  ({ status: TARGET.test(header(asked, 'x-real-path')) ? 403 : 200 })

const HTTP_PATHS = [
  '/live/target.flv', '/live/%74arget.flv', '/live/target%2eflv', '/live%2ftarget.flv', '/live/target.FLV', '/live/target.flv/', '/live/target.flv//',
  '//live/target.flv', '/live//target.flv', '/./live/target.flv', '/x/../live/target.flv', '/live/x/../target.flv', '/live/x/%2e%2e/target.flv',
  '/live\\target.flv', '\\live\\target.flv', '/live/target.flv;x', '/live;x/target.flv', '/live/target.flv%00', '/live/target%00.flv', '/live/target.flv#x',
  '/live/target.flv%3f', '/live/target.flv%23', 'http://other.example/live/target.flv', 'HTTP://127.0.0.1/live/target.flv', '/LIVE/../live/target.flv',
  '/live/target.flv.', '/live/target .flv', '/live/target+.flv', '/live/target.flv%20', '/live/%2574arget.flv', '/live/target.%66lv', '/live/ta\xaarget.flv',
  '/live/open.flv/../target.flv', '/live/target.flv?#', '/live/target.flv?#/live/open.flv', 'live/target.flv'
]
const WS_PATHS = [
  '/live/target', '/live/target.flv', '/live/target.anything', '/live/target.', '/live/target.flv.x', '/live/%74arget', '/live/target/', '/live/target/x', '//live/target',
  '/live//target', '/live\\target', '/live/target;x', '/live/target%00', '/live/target#x', '/live/target.flv?#x', 'ws://other.example/live/target', 'http://127.0.0.1/live/target.flv',
  '/live/open/../target', '/live/./target', '/live/target%2eflv', '/live/target%3f', '/live/target.FLV', '/live/target .flv', '/', '*', '//', '/live', '/live/'
]
const RTMP_PATHS: readonly Attempt[] = [
  ['live', 'target'], ['live/', 'target'], ['/live', 'target'], ['live', '/target'], ['live', 'target/'], ['live/target', ''], ['', 'live/target'], ['live?x=', 'target'],
  ['live', '%74arget'], ['live', 'target\0'], ['live', 'target\0?x'], ['live\0', 'target'], ['live', 'target '], ['live', ' target'], ['live', 'target.flv'], ['live', 'target#x'], ['live', 'target;x'],
  ['live/open/..', 'target'], ['live', '../live/target'], ['live', 'mp4:target'], ['live', 'flv:target'], ['live', '?target'], ['live', 'ta\u200brget'], ['live', 'target?'],
  ['live', 'target??x'], ['.', 'live/target'], ['live\\', 'target']
].map(([app = '', name = '']) => ({ app, name }))

const filePaths = (way: FileWay): string[] => {
  const file = fileOf(way)
  const name = file.slice(file.lastIndexOf('/') + 1)
  return [
    file, file.toUpperCase(), file.replace('media', 'MEDIA'), file.replace('media', '%6dedia'), file.replace('live', '%6cive'), file.replace('target', 'TARGET'), `/${file}`, `/.${file}`, `/x/..${file}`,
    `${MEDIA}/x/../live/target/${name}`, `${MEDIA}/x/%2e%2e/live/target/${name}`, `${MEDIA}/open/..%2flive%2ftarget%2f${name}`, `${MEDIA}/live%2ftarget/${name}`, `${MEDIA}//live/target/${name}`, `${MEDIA}/live/target//${name}`,
    `${MEDIA}/live/target/./${name}`, `${MEDIA}/live\\target/${name}`, `\\media\\live\\target\\${name}`, `${MEDIA}/live/target%5c${name}`, `${file}/`, `${file}.`, `${file}%20`, `${file}%00`, `${file}%00.html`, `${file};.html`, `${file}/.html`,
    `${file}/index.html`, `${file}%2findex.html`, `${file}#.html`, `${file}%23.html`, `${file}%3f.html`, `${file}?.html`, `${file}?/x.html`, `${MEDIA};x/live/target/${name}`, `${MEDIA}/live;x/target/${name}`, `http://other.example${file}`,
    `HTTP://127.0.0.1${file}`, `http:${file}`, `${MEDIA}/../media/live/target/${name}`, `${MEDIA}/live/target/${name.replace('.', '%2e')}`, `${MEDIA}/live/target/${name.replace('.', '%252e')}`, `${MEDIA}/live/target/${name.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`)}`,
    `${MEDIA}/live/target/x/../${name}`, `${MEDIA}/open/index.html/../../live/target/${name}`, `${MEDIA}/live/target/${name}::$DATA`, `${MEDIA}/live/target/${name}:x.html`, `${MEDIA}/live/ta\xaarget/${name}`, `${MEDIA}/live/target/${name}%C0%AE`, `${MEDIA}%2flive/target/${name}`
  ]
}

const PATHS = (way: Way): readonly Attempt[] => !isFile(way) && isRtmp(way) ? RTMP_PATHS
  : (isFile(way) ? filePaths(way) : way.startsWith('ws') ? WS_PATHS : HTTP_PATHS).flatMap((path) => [path, ...(path.includes('?') ? [] : [`${path}?${TOKEN}`])]).map((target) => ({ target }))

const SMUGGLED = [
  'X-Real-Ip: 203.0.113.9', 'x-real-ip: 203.0.113.9', 'X_Real_Ip: 203.0.113.9', 'X-Real-Path: /live/open', 'X-Session-Id: 1', 'X-Real-Origin: http://x', 'X-Real-Ua: x',
  'X-Forwarded-For: 203.0.113.9', 'X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https', 'Forwarded: for=203.0.113.9', 'X-Original-URL: /live/open.flv', 'X-Rewrite-URL: /live/open.flv',
  'X-HTTP-Method-Override: OPTIONS', 'Connection: X-Real-Ip', 'Connection: close, X-Session-Id', 'Authorization: Bearer 123', 'Cookie: token=123', 'Via: 1.1 x', 'Proxy-Connection: keep-alive',
  'Content-Length: 0', 'Expect: 100-continue'
]

const STATUSES = [201, 202, 203, 204, 205, 206, 207, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404, 407, 418, 429, 451, 499, 500, 502, 503, 504, 511, 599]

const SERVICE_SPELLINGS = [
  'service=open', 'SERVICE=open', 's%65rvice=open', '+service=open', '%20service=open', 'service[]=open', 'service%5b%5d=open', 'service[x]=open', 'service%00=open', 'service%00x=open',
  'service=target&service=open', `${TOKEN};service=open`, '&&service=open&', 'service', 'service%u0000=open', '%09service=open', 'service=&service=open'
]

const ATTACKS: readonly Attack[] = [
  {
    by: 'bytes that no request may hold, in query, user agent and host',
    attempts: () => BAD_BYTES.flatMap((bytes) => [{ query: `${TOKEN}${bytes}x` }, { query: TOKEN, userAgent: `a${bytes}b` }, { query: TOKEN, host: `a${bytes}b` }])
  },
  {
    by: 'size, where the backend drops what is large',
    backend: dropsLarge,
    attempts: () => [
      ...[500, 1500, 1600, 1700, 1800, 1900, 2000, 2500, 3000, 3500, 4000, 4090, 4096, 4097, 5000, 9000, 14_000].map((length) => ({ query: TOKEN.padEnd(length, 'q') })),
      ...[1000, 1024, 1025, 5000, 14_000].flatMap((length) => [
        { query: TOKEN, userAgent: 'u'.repeat(length) }, { query: TOKEN, host: 'h'.repeat(length) }, { query: TOKEN, name: 'n'.repeat(length) },
        { query: TOKEN.padEnd(1000, 'q'), userAgent: 'u'.repeat(length), host: 'h'.repeat(Math.min(length, 5000)) }
      ])
    ]
  },
  {
    by: 'duplicate parameters, where the backend takes the last',
    backend: ({ query }) => ({ status: lastOf(query, 'token') === '123' ? 200 : 403 }),
    attempts: () => [`token=123&${TOKEN}`, `token=123&x=1&${TOKEN}`, `token=123&token=&${TOKEN}`, `token=123&TOKEN=123&${TOKEN}`].map((query) => ({ query })),
    also: ({ asked, outcomes }) => expect(asked.map(clientQuery).sort(), 'the query, byte for byte').to.deep.equal(outcomes.map(({ shape }) => shape.query).sort())
  },
  {
    by: 'headers that the backend would believe',
    attempts: () => SMUGGLED.map((line) => ({ query: TOKEN, headers: [line] })),
    also({ asked }, way) {
      expect(asked).not.to.be.empty
      for (const each of asked) {
        expect(header(each, 'x-real-ip')).to.equal('127.0.0.1')
        expect(header(each, 'x-real-path')).to.match(TARGET)
        expect(header(each, 'x-real-origin').split('://')[0]).to.equal({ rtmp: 'rtmp', rtmps: 'rtmps', 'http-flv': 'http', 'https-flv': 'https', 'https-flv over HTTP/2': 'https', 'ws-flv': 'ws', 'wss-flv': 'wss', hls: 'http', dash: 'http', file: 'http' }[way])
      }
    }
  },
  { by: 'other spellings of a path, where every other path is open', backend: allButTarget, attempts: PATHS },
  {
    by: 'every status that is not 200, redirects to a 200 included',
    backend: ({ query }) => {
      const status = Number(lastOf(query, 'status'))
      return status > 0 ? { status, headers: { Location: '/?token=123' } } : { status: 200 }
    },
    attempts: () => STATUSES.map((status) => ({ query: `${TOKEN}&status=${status}` })),
    also: ({ asked, outcomes }) => expect(asked, 'asked once each, no redirect was followed').to.have.length(outcomes.length)
  },
  {
    by: 'other spellings of a parameter of the operator\'s',
    backend: ({ query }) => ({ status: forgivingly(query, 'service') === 'open' ? 200 : 403 }),
    attempts: () => SERVICE_SPELLINGS.map((query) => ({ query }))
  },
  {
    by: 'a token where no token belongs',
    attempts: (way) => !isFile(way) && isRtmp(way)
      ? [
        { app: `live?${TOKEN}` }, { name: `target;${TOKEN}` }, { name: `target&${TOKEN}` }, { name: `target%3F${TOKEN}` }, { name: `target#${TOKEN}` }, 
        { host: `a b?${TOKEN}` }, { host: `user:${SECRET}@127.0.0.1:x` }, { query: SECRET }, { query: `x&${SECRET}&y` }, { query: `=${SECRET}` }, { query: TOKEN, userAgent: `${TOKEN}` }
      ]
      : isFile(way) ? [`${fileOf(way)};${TOKEN}`, `${fileOf(way)}%3f${TOKEN}`, `${fileOf(way)}#${TOKEN}`, `${fileOf(way)}?${SECRET}`, `${fileOf(way)}?x&${SECRET}&y`].map((target) => ({ target }))
      : [`/live/target.flv;${TOKEN}`, `/live/target.flv%3f${TOKEN}`, `/live/target.flv#${TOKEN}`, `/live/target.flv?${SECRET}`, `/live/target.flv?x&${SECRET}&y`, `/live/target.flv?%74oken=${SECRET}`]
        .map((target) => ({ target }))
  },
  {
    by: 'session ids that it made up',
    attempts: () => Array.from({ length: 8 }, () => ({ query: `${TOKEN}&sessionId=1&X-Session-Id=1`, headers: ['X-Session-Id: 1', 'sessionId: 1'] })),
    also({ asked, verdicts }) {
      const ids = asked.map((each) => header(each, 'x-session-id'))
      expect(new Set(ids).size).to.equal(asked.length)
      expect(ids.sort()).to.deep.equal(verdicts.map(({ request }) => request.sessionId).sort())
      for (const id of ids) expect(id).to.match(SESSION_ID)
    }
  }
]

for (const defaultAction of ['deny', 'allow'] as const) {
  describe(`hostile clients, default action ${defaultAction}`, () => {
    let arena: Arena
    before(async function () {
      this.timeout(60_000)
      arena = await openArena({
        // The backend shares the test's process and may be late; that must not be an outage here.
        options: { defaultAction, timeoutMs: 30_000, hlsIdleMs: 500, log: 'verdicts', params: { service: '{stream}' } }, env: { DEBUG: 'nms-http-auth:*' }
      })
    })
    after(() => arena?.close())

    for (const { by, attempts, backend = byToken, also } of ATTACKS) {
      describe(`by ${by}`, () => {
        const seen: { outcomes: Outcome[], verdicts: Decided[], asked: Asked[] } = { outcomes: [], verdicts: [], asked: [] }
        // Most of it is waiting; the invariants are asserted in here.
        before(async function () {
          this.timeout(60_000)
          arena.backend.answer(backend)
          const { result, verdicts, asked } = await arena.unharmed(() => atMost(AT_ONCE, WAYS.flatMap((way) =>
            attempts(way).flatMap((attempt) => actionsOf(way).map((action) => () => attack(arena.ports, way, { ...attempt, action }))))))
          Object.assign(seen, { outcomes: result, verdicts, asked })
        })
        for (const way of WAYS) {
          it(`nobody gets in over ${way}`, () => {
            const outcomes = seen.outcomes.filter((outcome) => outcome.way === way)
            expect(outcomes).not.to.be.empty
            for (const outcome of outcomes) {
              const what = JSON.stringify(outcome).slice(0, 400)
              expect(outcome.mediaBytes, what).to.equal(0)
              expect(YES.has(outcome.answer), what).to.equal(false)
              expect(outcome.gone, what).to.equal(true)
            }
            const verdicts = seen.verdicts.filter(({ request }) => request.protocol === protocolOfWay(way))
            expect(verdicts).not.to.be.empty
            for (const { request, verdict } of verdicts) {
              const what = JSON.stringify({ verdict, request }).slice(0, 600)
              // Of files that are not there anybody may be told so.
              expect(verdict.allowed && (!isFile(way) || TARGET.test(request.path)), what).to.equal(false)
              expect(verdict.source, what).not.to.equal('default')
            }
            const ids = new Set(verdicts.map(({ request }) => request.sessionId))
            const asked = seen.asked.filter((each) => ids.has(header(each, 'x-session-id')))
            for (const each of asked) {
              expect(names(each).sort(), JSON.stringify(each)).to.deep.equal(['connection', 'host', 'User-Agent', ...FIVE].sort())
              expect(each.method).to.equal('GET')
            }
            also?.({ outcomes: seen.outcomes.filter((outcome) => protocolOfWay(outcome.way) === protocolOfWay(way)), verdicts, asked }, way)
          })
        }
      })
    }

    describe('whatever they send', () => {
      it('no log has anybody\'s token in it, or a line that a client wrote', () => {
        const all = arena.server.log()
        const log = LOGS_CLIENT_BYTES ? all.split('\n').filter((line) => line.includes('[http-auth]')).join('\n') : all
        expect(log).to.include('[http-auth] denied')
        expect(log.split('\n').filter((line) => line.includes(SECRET))).to.deep.equal([])
        expect(log).not.to.match(/^X-Injected/m)
        expect(log.replace(/\x1b\[[\d;]*m/g, '')).not.to.match(/[\0-\x08\x0b-\x1f\x7f]/)
      })
    })
  })
}
