import type { StdioOptions } from 'node:child_process'
import { expect } from 'chai'
import { cleanup } from './cleanup.js'
import { openClient } from './clients.js'
import { keepPublishing } from './media.js'
import { until } from './waiting.js'
import { freePort, listens, spawn, type Running } from './tools.js'

/** Where a server of the test's own making listens. */
export interface PlainPorts { readonly rtmp: number, readonly http: number }

/** Starts a program and waits until the server in it listens. */
export const startProgram = async (
  command: string, args: readonly string[], ports: PlainPorts, options: { cwd?: string, env?: NodeJS.ProcessEnv, stdio?: StdioOptions } = {}
): Promise<Running> => {
  const running = spawn(command, args, options)
  let ended = false
  running.exited.then(() => { ended = true }, () => { ended = true })
  const said = (): string => `${command} ${args.join(' ')} said:\n${running.stdout()}\n${running.stderr()}`
  try {
    await until(async () => ended || await listens(ports.rtmp) && await listens(ports.http), () => `a server listens; ${said()}`, 20_000)
    if (ended) throw new Error(`it ended; ${said()}`)
  } catch (error) {
    await running.close()
    throw error
  }
  return running
}

/** Starts a server on ports that are free, and on others if somebody was faster. */
export const onFreePorts = async (start: (ports: PlainPorts) => Promise<Running>): Promise<{ ports: PlainPorts, program: Running }> => {
  for (let attempt = 0; ; attempt++) {
    const ports = { rtmp: await freePort(), http: await freePort() }
    try {
      return { ports, program: await start(ports) }
    } catch (error) {
      if (attempt === 3 || !/in use/.test(String(error))) throw error
    }
  }
}

/**
 * A server whose backend knows the token 123 lets in who has it and nobody else: a publisher, and
 * players over RTMP and HTTP-FLV who get media or not a byte of it.
 *
 * @param program - whose output is told where that is not so
 */
export const expectGuarded = async (plain: PlainPorts, program: Running): Promise<void> => {
  const keep = cleanup()
  const ports = { ...plain, rtmps: 0, https: 0 }
  const open = async (action: 'play' | 'publish', speech: 'rtmp' | 'http-flv', token: string, streamPath = '/live/s') =>
    keep(await openClient({ ports, speech, action, streamPath, query: `token=${token}` }))
  try {
    const publisher = await open('publish', 'rtmp', '123')
    expect(await publisher.told).to.equal('yes')
    keep(keepPublishing(publisher))
    const intruder = await open('publish', 'rtmp', 'wrong', '/live/other')
    expect(await intruder.told).to.equal('no')
    for (const speech of ['rtmp', 'http-flv'] as const) {
      const viewer = await open('play', speech, '123')
      await viewer.waitForMedia(2000)
      const stranger = await open('play', speech, 'wrong')
      expect(await stranger.told, speech).to.equal('no')
      await stranger.closed
      expect(stranger.mediaBytes(), speech).to.equal(0)
    }
  } catch (error) {
    throw new Error(`it does not guard; it said:\n${program.stdout()}\n${program.stderr()}`, { cause: error })
  } finally {
    await keep.run()
  }
}
