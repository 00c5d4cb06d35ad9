import { expect } from 'chai'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditSettings } from '../../../lib/access/settings.js'
import type { AccessRequest } from '../../../lib/access/request.js'
import { allow, deny, type Verdict } from '../../../lib/access/verdict.js'
import { createAudit } from '../../../lib/observe/audit.js'
import { requestOf } from '../policy/support.js'

const QUIET = { onTrouble: () => undefined, onMended: () => undefined }

describe('the audit', () => {
  let dir = ''
  beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-')) })
  afterEach(() => rm(dir, { recursive: true }))

  const lines = async (settings: Omit<AuditSettings, 'file'>, ...decisions: [Partial<AccessRequest>, Verdict][]): Promise<Record<string, unknown>[]> => {
    const file = join(dir, 'audit.jsonl')
    await rm(file, { force: true })
    const audit = createAudit({ ...settings, file }, QUIET)
    for (const [request, verdict] of decisions) audit.verdict?.({ at: 0, request: { ...requestOf(), ...request }, verdict })
    await audit.close()
    return (await readFile(file, 'utf8')).split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  const TOKEN = 'very-secret-token'
  const asked: [Partial<AccessRequest>, Verdict] = [{ query: `token=${TOKEN}&x=1&${TOKEN}` }, { ...allow('backend', 'status 200'), status: 200, latencyMs: 1.6, userId: 'u1' }]

  it('has who asked for what, who decided, and why', async () => {
    const [line] = await lines({ tokens: 'mask' }, [{ query: '' }, { ...deny('backend', 'status 403'), status: 403, latencyMs: 1.6, userId: 'u1' }])
    const { sessionId, action, protocol, ip, path, origin, userAgent, streamPath } = requestOf()
    expect(line).to.deep.equal({
      time: '1970-01-01T00:00:00.000Z', event: 'verdict', session: sessionId, action, protocol, ip, path, stream: streamPath, origin, userAgent,
      user: 'u1', allowed: false, source: 'backend', code: 'backend-deny', reason: 'status 403', status: 403, backendMs: 2
    })
  })

  it('hashes the values of a query: the same token is the same hash, with the same secret also after a restart', async () => {
    const settings = { tokens: 'hash', secret: 'k'.repeat(16) } as const
    const [first, second] = await lines(settings, asked, asked)
    const [third] = await lines(settings, asked)
    const [other] = await lines({ ...settings, secret: 'l'.repeat(16) }, asked)
    expect(first?.['query']).to.match(/^token=h:[\w-]{16}&x=h:[\w-]{16}&h:[\w-]{16}$/)
    expect([second?.['query'], third?.['query']]).to.deep.equal([first?.['query'], first?.['query']])
    expect([second?.['kid'], third?.['kid']]).to.deep.equal([first?.['kid'], first?.['kid']])
    expect(other?.['query']).not.to.equal(first?.['query'])
    expect(other?.['kid']).not.to.equal(first?.['kid'])
  })

  it('has another key in each process without a secret', async () => {
    const [first] = await lines({ tokens: 'hash' }, asked)
    const [second] = await lines({ tokens: 'hash' }, asked)
    expect(first?.['kid']).to.match(/^[\w-]{8}$/).and.not.equal(second?.['kid'])
    expect(first?.['query']).not.to.equal(second?.['query'])
  })

  it('has no token in it, wherever a client puts it', async () => {
    for (const tokens of ['hash', 'mask'] as const) {
      await lines({ tokens }, asked,
        [{ path: `/live/s?token=${TOKEN}`, streamPath: '' }, deny('malformed', `no stream path: /live/s?token=${TOKEN}`)],
        [{}, { ...deny('backend', 'status 500'), fault: `GET http://127.0.0.1/?token=${TOKEN}` }])
      expect(await readFile(join(dir, 'audit.jsonl'), 'utf8')).not.to.include(TOKEN)
    }
  })

  it('has the session that was ended for another, and a line about who it was ended for', async () => {
    const file = join(dir, 'audit.jsonl')
    const audit = createAudit({ tokens: 'mask', file }, QUIET)
    const { sessionId: id, action, protocol, ip, path, streamPath, userAgent } = requestOf()
    const by = { session: 'new', ip: '192.0.2.9', userAgent: 'a\nb' }
    const facts = { id, action, protocol, ip, path, streamPath, userAgent, startedAt: 0 }
    const end = { at: 1000, inBytes: 0, outBytes: 0, reason: 'limit' }
    audit.end?.({ ...facts, goneFor: { rule: 'zap', by } }, end)
    audit.end?.({ ...facts, goneFor: { rule: 'gone', by: { ip: by.ip, userAgent: '' } } }, end)
    audit.end?.(facts, end)
    await audit.close()
    const taker = { session: 'new', ip: '192.0.2.9', userAgent: 'a\\x0ab', rule: 'zap' }
    const found = (await readFile(file, 'utf8')).split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(found.map(({ event, session, takenBy }) => [event, session, takenBy])).to.deep.equal([
      ['end', id, taker], ['ended-for', 'new', undefined], ['end', id, { ip: '192.0.2.9', userAgent: '', rule: 'gone' }], ['end', id, undefined]
    ])
    expect(found[1]).to.deep.equal({ time: '1970-01-01T00:00:01.000Z', event: 'ended-for', ...taker, ended: id })
  })

  it('keeps one line one line, whatever a client sends', async () => {
    const [line, ...more] = await lines({ tokens: 'hash' }, [{ userAgent: 'a\n{"event":"verdict"}\u2028\u001b[2J', streamPath: '/live/\u202es' }, allow('rule', 'allowed by rules[3]')])
    expect(more).to.deep.equal([])
    expect(line).to.include({ userAgent: 'a\\x0a{"event":"verdict"}\\u2028\\x1b[2J', stream: '/live/\\u202es', rule: 'rules[3]', code: 'rule-allow' })
  })
})
