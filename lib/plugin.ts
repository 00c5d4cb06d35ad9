import { dirname } from 'node:path'
import { networks } from './access/address.js'
import type { Settings } from './access/settings.js'
import type { CutReason } from './access/cut.js'
import type { InForce } from './admin/behind.js'
import type { Authorize } from './access/authorize.js'
import { createChain, type Chain, type ChainHooks } from './chain.js'
import { createConsoleLog } from './observe/console.js'
import { LINE_FORMATS } from './observe/line.js'
import { createHub } from './observe/hub.js'
import { createMetrics, metricsText, type Metrics } from './observe/metrics.js'
import { HttpAuthError } from './errors.js'
import { joinFleet } from './fleet.js'
import { createDoor } from './gate/door/door.js'
import { exactly, exactSpelling } from './gate/files/exact-spelling.js'
import { createFolders } from './gate/files/folders.js'
import { createFilesGate } from './gate/files/gate.js'
import { mountOf } from './gate/files/served-path.js'
import { createHttpGate } from './gate/http.js'
import { createCors } from './gate/http/cors.js'
import { hintForwarding } from './gate/http/forwarding-hint.js'
import { createReception } from './gate/http/reception.js'
import { createLiveGate } from './gate/flv/gate.js'
import { createProxyFront } from './gate/proxy/front.js'
import { createRtmpGate } from './gate/rtmp/gate.js'
import { createViewers } from './gate/files/viewers.js'
import { createWebSocketGate } from './gate/websocket/gate.js'
import { HttpAuth, publish, type HttpAuthEvents } from './handle.js'
import { attach } from './nms/find.js'
import type { HostListener } from './nms/host.js'
import { asksAlike, createGeneration, refuseFixed, type Generation } from './generation.js'
import { newest } from './newest.js'
import { readConfig } from './options/config.js'
import { describe } from './options/describe.js'
import type { Options } from './options/options.js'
import { resolve } from './options/resolve.js'
import { onCaught, safely } from './safely.js'
import { warningsOf } from './options/warnings.js'
import { createRegistry, type Registry } from './sessions/registry.js'
import { createRechecks } from './sessions/rechecks.js'
import { requestKey } from './policy/request-key.js'
import { FORGETS } from './sessions/end-reason.js'
import { createTakeover } from './sessions/takeover.js'
import { createHeld } from './gate/door/slots.js'
import { createUnadmitted } from './gate/door/unadmitted.js'
import { createCounters, type Stats } from './observe/stats.js'
import { addSinks } from './sinks.js'
import { VERSION } from './version.js'

/**
 * Attaches to a node-media-server: from now on every client is held at the door until the backend
 * has answered.
 *
 * @param nms - an instance of NodeMediaServer, running or not yet
 * @param options - replaces the section `httpAuth` of NMS's config; `false`, there or here, leaves
 *   the server open on purpose
 * @throws HttpAuthError `ERR_OPTIONS` with every mistake by path, `ERR_NO_SECTION`,
 *   `ERR_HOST_UNSUPPORTED`, `ERR_ALREADY_ATTACHED`; nothing has been touched then
 */
export const httpAuth = (nms: object, options?: Options | false): HttpAuth => {
  const listener: HostListener = { onIntruder: () => undefined, takesOver: () => false, onFailure: () => undefined, onStop: () => Promise.resolve() }
  const host = attach(nms, listener)
  const given = options ?? host.section
  if (given === undefined) {
    throw new HttpAuthError('ERR_NO_SECTION', 'the config of node-media-server has no section "httpAuth", and httpAuth() was given no options')
  }
  if (given === false) return leaveOpen()
  const baseDir = host.configFile === undefined ? undefined : dirname(host.configFile)
  const first = resolve(given, baseDir)
  /** What is in force now, whenever it is read. */
  const settings = newest(() => generation.settings)

  let lines = createConsoleLog(first.log, { format: LINE_FORMATS[first.logFormat] })
  const log = newest(() => lines)
  const counters = createCounters()
  const held = createHeld(settings)
  const tell = <K extends keyof HttpAuthEvents>(event: K, ...args: HttpAuthEvents[K]): void =>
    publish(handle, (name, error) => log.error(`a listener of "${name}" failed`, error), event, ...args)

  const hub = createHub((error) => log.error('what happened could not be passed on', error))
  let outage: { since: number, reason: string } | undefined
  hub.add(counters)
  hub.add({
    verdict({ request, verdict }) {
      log.verdict(request, verdict)
      tell('verdict', request, verdict)
    },
    outage(change) {
      outage = change.state === 'begin' ? { since: Date.now(), reason: change.reason } : undefined
      if (change.state === 'end') rechecks.outageEnded()
      log.outage(change)
      tell('unavailable', change)
    },
    cut: (ip, reason, detail) => log.cut(ip, reason, detail),
    end: (session, { reason }) => { if (reason === 'overflow') log.overflow(session) }
  })

  const fleet = joinFleet(first, log, () => ({ sessions, forgetKeys: chain.forgetKeys }))
  const hooks: ChainHooks = {
    onBegin: ({ message, suspects }) => {
      hub.outage({ state: 'begin', reason: message, requests: 1 })
      if (suspects.length > 0) log.notice(`questions that were out when the backend fell silent: ${suspects.join(', ')}`)
    },
    onEnd: (requests, reason) => hub.outage({ state: 'end', reason, requests }),
    onOpen: (reason) => log.notice(`breaker opens, the backend is not asked for now: ${reason}`),
    onClose: () => log.notice('breaker closes, the backend is asked again'),
    onUnavailable: () => undefined,
    onAsked: (at, outcome, ms) => hub.asked(at, outcome, ms),
    onUselessProbe: (at) => log.notice(`${at} answers clients but not the probe, so that for now only a refused connection proves an outage; see "probe"`)
  }
  const chains = new Set<Chain>()
  const makeChain = (by: Settings): Chain => {
    const made = createChain(by, hooks, fleet?.memory)
    chains.add(made)
    return made
  }
  const chain = newest(() => generation.chain)
  const sessions = createRegistry({
    // A dry run ends and refuses nobody.
    limits: () => settings.dryRun.includes('play') ? false : settings.limits,
    store: fleet?.store,
    onLimit: (action) => hub.limitAction(action),
    onManyAddresses: (user) => log.hint(`user ${user} comes from 20 addresses or more; if many share this id, name it in limits.ignoreUsers`)
  })
  const rechecks = createRechecks({
    ask: (request, signal) => chain.recheck(request, signal),
    settingsOf: ({ action }) => {
      if (settings.dryRun.includes(action)) return undefined
      const { play, publish: publishing } = settings
      return action === 'play' ? play : 'refuse' in publishing || publishing === play ? undefined : publishing
    },
    requestKey,
    onResult: (result) => hub.recheck(result)
  })
  sessions.watch({
    begin(session) {
      rechecks.begin(session)
      const record = session.record()
      hub.start(record)
      tell('session', 'start', record)
    },
    end(session) {
      rechecks.end(session)
      if (session.endReason !== undefined && FORGETS.has(session.endReason)) {
        for (const request of viewers.aliases(session.request)) chain.forget(request)
        fleet?.forgotten(session)
      }
      const record = session.record()
      hub.end(record, { at: Date.now(), inBytes: record.inBytes, outBytes: record.outBytes, reason: session.endReason ?? 'left' })
      tell('session', 'end', record)
    },
    released({ request }, reason) {
      if (FORGETS.has(reason)) chain.forget(request)
      if (reason === 'refused') log.refusedByHost(request)
    }
  })
  const folders = createFolders(host.dialect.staticRoutes)
  const authorize: Authorize = (request, signal) => generation.authorize(request, signal)
  const door = createDoor({
    authorize: folders === undefined ? authorize : exactly(authorize, exactSpelling(folders.media.root), mountOf(folders.media.router)),
    hold: (ip) => held.enter(ip),
    bar: (request) => settings.dryRun.includes('play') ? undefined : sessions.refuse(request),
    enter: sessions.enter,
    reserve: (request, verdict, ...place) => rechecks.refuse(request, verdict) ?? sessions.reserve(request, verdict, ...place),
    report: (request, verdict, heldMs) => hub.verdict({ at: Date.now(), request, verdict, ...(heldMs !== undefined && { heldMs }) }),
    onBug: (error) => log.error('a request was denied because of an internal error', error)
  })
  const onCut = (ip: string, reason: CutReason, detail?: string): void => hub.cut(ip, reason, detail)
  const unadmitted = createUnadmitted()
  const rtmp = createRtmpGate(door, host.dialect, { get commandTimeoutMs() { return settings.commandTimeoutMs }, onCut, unadmitted })
  const viewers = createViewers({ limits: settings, door, host, remembers: (request) => chain.remembers(request), shared: fleet?.memory })
  const makeGeneration = (by: Settings, asking: Chain): Generation => {
    const trusted = networks(by.trustProxy)
    const cors = createCors(by.cors)
    const files = folders && createFilesGate(door, host, viewers, folders, trusted, by.files)
    const http = { request: createHttpGate(host.dialect, createLiveGate(door, host, { unadmitted, onCut }), files, trusted, cors), upgrade: createWebSocketGate(door, host, { trusted, cors, unadmitted, onCut }) }
    return createGeneration({ settings: by, chain: asking, trusted, cors, http })
  }
  let generation = makeGeneration(first, makeChain(first))
  const trusted = newest(() => generation.trusted)
  const http = createReception(door, host, trusted, newest(() => generation.cors), {
    request: (...args) => generation.http.request(...args), upgrade: (...args) => generation.http.upgrade(...args)
  })

  const reminder = setInterval(safely(undefined, () => {
    if (settings.dryRun.length > 0) log.notice(`a dry run is on: clients are let in whatever the verdict; so far: ${wouldBeDenied(counters.read().verdicts)}`)
  }), REMINDER_MS).unref()
  const offCaught = onCaught((error) => log.error('a client was cut because of an internal error', error))

  let closing: Promise<void> | undefined
  const close = (reason: 'detached' | 'stopped'): Promise<void> => closing ??= (async () => {
    door.close()
    sessions.close(reason)
    rechecks.close()
    rtmp.close()
    viewers.close()
    // Those who are held hear their verdict, and are told, before the door is taken away.
    await new Promise((resolve) => setImmediate(resolve))
    host.uninstall()
    await Promise.all([...chains].map((each) => each.close()))
    await fleet?.close()
    await sinks.close()
    clearInterval(reminder)
    log.close()
    offCaught()
  })()
  let draining: Promise<void> | undefined
  const drain = (ms = settings.drainMs): Promise<void> => draining ??= (async () => {
    door.drain()
    log.notice(`draining: newcomers are sent away; sessions that may go on for ${ms} ms: ${sessions.size}`)
    await whenEmpty(sessions, ms)
    // Their streams end with the server, which nobody guards from then on.
    for (const session of [...sessions]) session.close('stopped')
    await host.stop()
  })()
  const reload = async (options?: Options): Promise<void> => {
    await Promise.resolve()
    if (closing !== undefined || draining !== undefined) throw new HttpAuthError('ERR_OPTIONS', 'the server is being stopped')
    const section = options ?? sectionOf(host.configFile)
    const next = resolve(section, baseDir)
    const before = generation
    refuseFixed(before.settings, next)
    const alike = asksAlike(before.settings, next)
    generation = makeGeneration(next, alike ? before.chain.withRules(next) : makeChain(next))
    if (!alike) {
      if (outage !== undefined) hub.outage({ state: 'end', reason: outage.reason, requests: 0 })
      before.retire(() => {
        chains.delete(before.chain)
        void before.chain.close()
      })
    }
    if (next.log !== before.settings.log || next.logFormat !== before.settings.logFormat) {
      lines.close()
      lines = createConsoleLog(next.log, { format: LINE_FORMATS[next.logFormat] })
    }
    sinks.replace(next)
    host.replaceSection(structuredClone(section))
    announce('the options were read again')
  }
  const stats = (): Stats => ({
    ...counters.read(), held: held.size, viewers: viewers.size, backends: chain.backends(), dropped: sinks.dropped(), dryRun: settings.dryRun.length > 0,
    ...(fleet && { store: fleet.stats() })
  })
  let metrics: Metrics | undefined
  const handle = new HttpAuth(stats, {
    close: () => close('detached'),
    drain,
    reload,
    sessions: sessions.list,
    end(which, order = {}) {
      const endHere = (): number => sessions.end(which, 'closed', order)
      return Promise.resolve(fleet === undefined ? endHere() : fleet.end(which, order, endHere))
    }
  }, () => {
    if (metrics === undefined) {
      metrics = createMetrics(stats)
      hub.add(metrics.sink)
    }
    return metrics.registry
  })
  const inForce = (): InForce => ({ version: VERSION, host: host.version, settings: describe(generation.settings), warnings: warningsOf(generation.settings) })
  const announce = (what: string): void => {
    const { settings: texts, warnings } = inForce()
    log.banner([what, ...texts, ...warnings.map((text) => `WARNING: ${text}`)])
  }
  listener.onIntruder = ({ id, ip, streamPath }, action, layer) =>
    log.error(`${action} of ${streamPath} by ${ip} (session ${id}) reached node-media-server without a verdict and was cut by the ${layer}; please report this`)
  listener.takesOver = createTakeover()
  listener.onFailure = (error) => log.error('a listener of node-media-server\'s "donePlay" failed', error)
  listener.onStop = () => close('stopped')

  host.install({ rtmp, http: hintForwarding(http, trusted, (text) => log.hint(text)), ...(first.proxyProtocol.length > 0 && { proxy: createProxyFront({ servers: first.proxyProtocol, trusted, onCut }) }) })
  const sinks = addSinks(first, hub, log, {
    sessions,
    inForce,
    stats,
    outage: () => outage,
    ready: () => closing === undefined && draining === undefined,
    end: (which, barMs) => handle.end(which, { barMs }),
    reload,
    metrics: metricsText(() => handle.metrics)
  })
  // Durations are measured from the start, and not from the first scrape.
  if (first.admin !== undefined) void handle.metrics
  announce(`guarding node-media-server ${host.version}`)
  void chain.probe().then((warnings) => { if (closing === undefined) for (const warning of warnings) log.notice(`WARNING: ${warning}`) })
  return handle
}

/** The section of the config file as it is now. */
const sectionOf = (file: string | undefined): unknown => {
  if (file === undefined) throw new HttpAuthError('ERR_OPTIONS', 'node-media-server was given no config file that could be read again; give reload() the options')
  const { sections, settings } = readConfig(file)
  if (settings === false) throw new HttpAuthError('ERR_OPTIONS', 'httpAuth: false would open the server; restart it for that')
  return sections['httpAuth']
}

/** How often a dry run reminds of itself, in milliseconds. */
const REMINDER_MS = 3_600_000

const wouldBeDenied = (verdicts: Stats['verdicts']): number =>
  Object.values(verdicts).flatMap((protocols) => Object.values(protocols)).reduce((sum, sources) => sum + (sources['dry-run']?.allowed ?? 0), 0)

/** Resolves when nobody is in any more, or after so many milliseconds. */
const whenEmpty = (sessions: Registry, ms: number): Promise<void> => new Promise((resolve) => {
  const done = (): void => {
    clearTimeout(timer)
    off()
    resolve()
  }
  const timer = setTimeout(safely(undefined, done), ms)
  const off = sessions.watch({ end: () => { if (sessions.size === 0) done() } })
  if (sessions.size === 0) done()
})

/** A handle that does nothing, for a server whose operator wants it open. */
const leaveOpen = (): HttpAuth => {
  createConsoleLog('none').banner(['httpAuth is false: this node-media-server is OPEN, nobody is asked for'])
  const counters = createCounters()
  const stats = (): Stats => ({ ...counters.read(), held: 0, viewers: 0, backends: [], dropped: {}, dryRun: false })
  let metrics: Metrics | undefined
  return new HttpAuth(stats, { close: () => Promise.resolve(), drain: () => Promise.resolve(), reload: () => Promise.reject(new HttpAuthError('ERR_OPTIONS', 'this server is open on purpose; restart it to guard it')), sessions: () => [], end: () => Promise.resolve(0) }, () => (metrics ??= createMetrics(stats)).registry)
}
