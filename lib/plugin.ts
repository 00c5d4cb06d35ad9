import { dirname } from 'node:path'
import type { CutReason } from './access/cut.js'
import { createChain } from './assembly/chain.js'
import { createChainHooks } from './assembly/chain-hooks.js'
import { HttpAuthError } from './errors.js'
import { createForgetting } from './assembly/forgetting.js'
import { createDoor } from './gate/door/door.js'
import { createHeld } from './gate/door/slots.js'
import { createFolders } from './gate/files/folders.js'
import { createGates, exactFiles } from './assembly/gates.js'
import { createGenerations } from './assembly/generations.js'
import { HttpAuth } from './handle.js'
import { createHostListener } from './assembly/host-listener.js'
import { announce, inForce } from './assembly/in-force.js'
import { tellListeners } from './assembly/listeners.js'
import { newest } from './assembly/newest.js'
import { attach } from './nms/find.js'
import { createObservation } from './assembly/observation.js'
import { metricsOnDemand, metricsText } from './observe/metrics.js'
import type { Stats } from './observe/stats.js'
import { leaveOpen } from './assembly/open-handle.js'
import type { Options } from './options/options.js'
import { resolve } from './options/resolve.js'
import { createPresence } from './assembly/presence.js'
import { createReload } from './assembly/reload.js'
import { remindOfDryRun } from './assembly/reminder.js'
import { createReports } from './assembly/reports.js'
import { onCaught } from './safely.js'
import { addSinks } from './assembly/sinks.js'
import { createStopping } from './assembly/stopping.js'

/**
 * Attaches to a node-media-server: from now on every client is held at the door until the backend has answered.
 *
 * @param nms - an instance of NodeMediaServer, running or not
 * @param options - replaces the section `httpAuth` of NMS's config; `false`, in either place, leaves the server open on
 * purpose
 * @throws HttpAuthError `ERR_OPTIONS` with the path of every mistake, `ERR_NO_SECTION`, `ERR_HOST_UNSUPPORTED`,
 * `ERR_ALREADY_ATTACHED`; then nothing has been changed
 */
export const httpAuth = (nms: object, options?: Options | false): HttpAuth => {
  const host = attach(nms, createHostListener({ log: () => log, barMs: () => settings.limits ? settings.limits.barMs : undefined, onStop: (halt) => stopping.close('stopped', halt) }))
  const given = options ?? host.section
  if (given === undefined) {
    throw new HttpAuthError('ERR_NO_SECTION', 'the config of node-media-server has no section "httpAuth", and httpAuth() was given no options')
  }
  if (given === false) return leaveOpen()
  const baseDir = host.configFile === undefined ? undefined : dirname(host.configFile)
  const first = resolve(given, baseDir)

  // What a reload replaces is read through these, so they always return what is in force.
  const [settings, chain] = [newest(() => generations.now.settings), newest(() => generations.now.chain)]
  const observation = createObservation(first)
  const { hub, log, counters, outage } = observation
  const presence = createPresence({ first, settings, chain, hub, log })
  const { sessions, rechecks, fleet } = presence

  // The way in.
  const held = createHeld(settings)
  const folders = createFolders(host.dialect.staticRoutes)
  const door = createDoor({
    authorize: exactFiles((request, signal) => generations.now.authorize(request, signal), folders),
    hold: (ip) => held.enter(ip),
    bar: (request) => settings.dryRun.includes('play') ? undefined : sessions.refuse(request),
    enter: sessions.enter,
    reserve: (request, verdict, ...place) => rechecks.refuse(request, verdict) ?? sessions.reserve(request, verdict, ...place),
    report: (request, verdict, heldMs) => hub.verdict({ at: Date.now(), request, verdict, ...(heldMs !== undefined && { heldMs }) }),
    onBug: (error) => log.error('a request was denied because of an internal error', error)
  })
  const onCut = (ip: string, reason: CutReason, detail?: string): void => hub.cut(ip, reason, detail)
  const gates = createGates({ door, host, settings, folders, remembers: (request) => chain.remembers(request), isBarred: sessions.isBarred, shared: fleet?.memory, onCut })
  const generations = createGenerations(first, (by) => createChain(by, createChainHooks(hub, log), fleet?.memory), gates.http)
  sessions.watch(createForgetting(chain, fleet))
  sessions.watch(createReports(hub, log))

  // The way out.
  const offCaught = onCaught((error) => log.error('a client was cut because of an internal error', error))
  const offReminder = remindOfDryRun(settings, counters, log)
  const stopping = createStopping({
    door, sessions, host, log,
    refuse: (reason) => { for (const each of [door, presence, gates]) each.close(reason) },
    async finish() {
      for (const each of [generations, fleet, sinks]) await each?.close()
      offReminder()
      log.close()
      offCaught()
    }
  })

  const warnOfBackends = (): void => {
    void chain.probe().then((warnings) => { if (!stopping.closed) for (const warning of warnings) log.notice(`WARNING: ${warning}`) })
  }

  // What the app and the operator see.
  const shown = (): ReturnType<typeof inForce> => inForce(generations.now.settings, host)
  const reload = createReload({
    host, baseDir, generations, stopping: () => stopping.begun,
    onReplaced(next, anew) {
      const lasting = outage.read()
      if (anew && lasting !== undefined) hub.outage({ state: 'end', reason: lasting.reason, requests: 0 })
      if (anew) warnOfBackends()
      for (const each of [observation, sinks]) each.replace(next)
      announce(log, 'the options were read again', shown())
    }
  })
  const stats = (): Stats => ({
    ...counters.read(), held: held.size, viewers: gates.viewers.size, backends: chain.backends(), dropped: sinks.dropped(), dryRun: settings.dryRun.length > 0,
    ...(fleet && { store: fleet.stats() })
  })
  const metrics = metricsOnDemand(stats, (sink) => hub.add(sink))
  const { end } = presence
  const handle = new HttpAuth(stats, { close: () => stopping.close('detached'), drain: (ms = settings.drainMs) => stopping.drain(ms), reload, sessions: sessions.list, end }, metrics)
  tellListeners(handle, hub, sessions, log)

  host.install(gates.fronts(() => generations.now, (text) => log.hint(text)))
  const sinks = addSinks(first, hub, log, {
    sessions, inForce: shown, stats, outage: outage.read, ready: () => !stopping.begun, end: (which, barMs) => end(which, { barMs }), reload, metrics: metricsText(metrics)
  })
  // Measure durations from the start, not from the first scrape.
  if (first.admin !== undefined) metrics()
  announce(log, `guarding node-media-server ${host.version}`, shown())
  warnOfBackends()
  return handle
}
