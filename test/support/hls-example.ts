import { copyFile, cp, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onFreePorts, startProgram, type PlainPorts } from './guarded.js'
import { freePort, run, spawn, tool, type Running } from './tools.js'
import { until } from './waiting.js'

const PROGRAM = fileURLToPath(new URL('../../examples/hls/hls.js', import.meta.url))

/** The HLS example, running. */
export interface HlsExample {
  readonly ports: PlainPorts
  readonly program: Running
  /** Where it keeps what it throws away at the end. */
  readonly dir: string
  /** Publishes with the line that it prints; resolves once there is HLS to play. */
  publish(): Promise<Running>
  /** Stops its backend, or starts it again; resolves when that is done. */
  toggleBackend(): Promise<void>
  /** What the program runs to write HLS, as command lines. */
  packagers(): Promise<string[]>
  close(): Promise<void>
}

/** Puts its page and the players of that into another server's folder of files. */
export const copyPage = async (root: string): Promise<void> => {
  const require = createRequire(import.meta.url)
  await cp(fileURLToPath(new URL('../../examples/hls/page', import.meta.url)), root, { recursive: true })
  for (const player of ['hls.js/dist/hls.min.js', 'mpegts.js/dist/mpegts.js']) await copyFile(require.resolve(player), join(root, basename(player)))
}

export const startHlsExample = async (): Promise<HlsExample> => {
  const dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-example-'))
  const { ports, program } = await onFreePorts(async ({ rtmp, http }) => startProgram(process.execPath, [PROGRAM], { rtmp, http }, {
    stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: dir, RTMP_PORT: String(rtmp), HTTP_PORT: String(http), BACKEND_PORT: String(await freePort()) }
  }))
  await until(() => program.stdout().includes('Ctrl-C ends it'), () => `it says what to do: ${program.stdout()}${program.stderr()}`)
  const playlist = async (): Promise<string> => (await fetch(`http://127.0.0.1:${ports.http}/static/live/s/index.m3u8?token=123`)).text()
  return {
    ports, program, dir,
    async publish() {
      const line = /^ {2}(ffmpeg .*)$/m.exec(program.stdout())?.[1] ?? ''
      const publisher = spawn('sh', ['-c', `exec ${line}`], { cwd: dir })
      await until(async () => (await playlist()).includes('#EXTINF'), () => `there is HLS: ${program.stdout()}${publisher.stderr()}`, 30_000)
      return publisher
    },
    async toggleBackend() {
      const before = program.stdout().length
      program.child.stdin?.write('b\n')
      await until(() => /The backend (?:is stopped|answers again)/.test(program.stdout().slice(before)), () => `the backend is toggled: ${program.stdout().slice(before)}`)
    },
    async packagers() {
      const { stdout } = await run(tool('ps'), ['-A', '-ww', '-o', 'args='])
      return stdout.split('\n').filter((line) => line.startsWith('ffmpeg') && line.includes(dir))
    },
    async close() {
      await program.close()
      await rm(dir, { recursive: true, force: true })
    }
  }
}
