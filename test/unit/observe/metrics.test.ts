import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { allow, deny } from '../../../lib/access/verdict.js'
import { createHub } from '../../../lib/observe/hub.js'
import { backendLabels, createMetrics, metricsText } from '../../../lib/observe/metrics.js'
import { createCounters, type BackendState, type Stats } from '../../../lib/observe/stats.js'
import { requestOf } from '../policy/support.js'
import { run, tool } from '../../support/tools.js'

const RULES = fileURLToPath(new URL('../../../examples/operations/alerts.yml', import.meta.url))

const backendAt = (at: string, more: Partial<BackendState> = {}): BackendState => ({ at, up: true, breakerOpen: false, answers: 0, waiting: 0, ...more })

describe('the metrics', () => {
  const counters = createCounters()
  const hub = createHub((error) => { throw error })
  const elsewhere: Omit<Stats, keyof ReturnType<typeof counters.read>> = { held: 3, viewers: 0, backends: [backendAt('a:1'), backendAt('a:1', { up: false, breakerOpen: true })], dropped: { audit: 2 }, dryRun: true }
  const stats = (): Stats => ({ ...counters.read(), ...elsewhere })
  const metrics = createMetrics(stats)
  hub.add(counters)
  hub.add(metrics.sink)
  const lines = async (): Promise<string[]> => (await metrics.registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))

  before(() => {
    const session = { id: '1', action: 'play', protocol: 'hls', ip: '192.0.2.1', path: '/secret', streamPath: '/secret/s', userAgent: 'vlc', user: 'u1', startedAt: 0 } as const
    hub.verdict({ at: 0, request: requestOf({ ip: '192.0.2.1', query: 'token=geheim' }), verdict: { ...allow('backend', ''), userId: 'u1' }, heldMs: 30 })
    hub.verdict({ at: 0, request: requestOf(), verdict: deny('backend', ''), heldMs: 3 })
    hub.verdict({ at: 0, request: requestOf(), verdict: allow('default', ''), heldMs: 3 })
    hub.verdict({ at: 0, request: requestOf({ action: 'publish' }), verdict: allow('last-verdict', ''), heldMs: 3 })
    hub.start(session)
    hub.start(session)
    hub.end(session, { at: 1, inBytes: 0, outBytes: 0, reason: 'limit' })
    hub.cut('192.0.2.1', 'timeout')
    hub.asked('a:1', 'denied', 20)
    hub.recheck('kept')
    hub.limitAction('zap')
  })

  it('count what passes through the hub, and what stats() knows', async () => {
    expect(await lines()).to.include.members([
      'nms_http_auth_verdicts_total{action="play",protocol="rtmp",source="backend",verdict="allowed"} 1',
      'nms_http_auth_verdicts_total{action="play",protocol="rtmp",source="backend",verdict="denied"} 1',
      'nms_http_auth_verdicts_total{action="publish",protocol="rtmp",source="last-verdict",verdict="allowed"} 1',
      'nms_http_auth_default_allowed_total 2',
      'nms_http_auth_sessions{action="play",protocol="hls"} 1',
      'nms_http_auth_sessions_ended_total{reason="limit"} 1',
      'nms_http_auth_held 3',
      'nms_http_auth_cut_total{reason="timeout"} 1',
      'nms_http_auth_rechecks_total{result="kept"} 1',
      'nms_http_auth_limit_actions_total{policy="zap"} 1',
      'nms_http_auth_dropped_total{sink="audit"} 2',
      'nms_http_auth_backend_up{backend="a:1#1"} 1',
      'nms_http_auth_backend_up{backend="a:1#2"} 0',
      'nms_http_auth_breaker_open{backend="a:1#2"} 1',
      'nms_http_auth_dry_run 1',
      'nms_http_auth_verdict_duration_seconds_bucket{le="0.025",source="backend"} 1',
      'nms_http_auth_verdict_duration_seconds_count{source="backend"} 2',
      'nms_http_auth_backend_duration_seconds_count{backend="a:1",outcome="denied"} 1'
    ])
  })

  it('count from stats() each time: a scrape adds nothing', async () => {
    expect(await lines()).to.deep.equal(await lines())
  })

  it('have a store only where there is one', async () => {
    expect((await lines()).filter((line) => line.includes('store'))).to.deep.equal([])
    const shared = createMetrics(() => ({ ...stats(), store: { up: true, servers: 2, errors: 4, outages: 1, places: 0 } }))
    expect((await shared.registry.metrics()).split('\n')).to.include.members(['nms_http_auth_store_up 1', 'nms_http_auth_store_errors_total 4'])
  })

  it('name no user, address, stream, session or token', async () => {
    expect(await metrics.registry.metrics()).not.to.match(/192\.0\.2\.1|u1"|geheim|secret|vlc/)
  })

  it('are what promtool accepts, those of the process included', async () => {
    const text = await metricsText(() => metrics.registry)()
    expect(text).to.include('\nprocess_cpu_seconds_total ')
    const { status, stdout, stderr } = spawnSync(tool('promtool'), ['check', 'metrics'], { input: text, encoding: 'utf8' })
    const problems = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('nms_http_auth'))
    expect(problems, stderr).to.deep.equal([])
    // Node's own metrics have names that promtool would not choose (3: only such remarks).
    expect([0, 3]).to.include(status)
  })

  it('label a backend by its place, numbered where that is not unique', () => {
    expect(backendLabels(['a:1', 'b:1', 'a:1'].map((at) => backendAt(at)))).to.deep.equal(['a:1#1', 'b:1', 'a:1#2'])
  })

  it('have alert rules that promtool accepts, and each names a metric that there is', async () => {
    const { code, stdout, stderr } = await run(tool('promtool'), ['check', 'rules', RULES])
    expect(code, stderr).to.equal(0)
    const rules = await readFile(RULES, 'utf8')
    const named = new Set([...rules.matchAll(/nms_http_auth_\w+(?=[\s{[])/g)].map(([name]) => name.replace(/_bucket$/, '')))
    expect(stdout).to.include('SUCCESS')
    const known = (await metrics.registry.getMetricsAsJSON()).map(({ name }) => name)
    expect([...known, 'nms_http_auth_store_up']).to.include.members([...named])
  })
})
