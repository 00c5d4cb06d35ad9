import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { openClient } from './clients.js'
import { playFrames } from './ffmpeg.js'
import { onFreePorts, startProgram, type PlainPorts } from './guarded.js'
import { freePort, listens, run, spawn, tool, type Running } from './tools.js'
import { inTime, until } from './waiting.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FOLDER = join(ROOT, 'examples/nms-2.7')

/** The folder of the examples for 2.7, copied elsewhere, with what `npm install` brings. */
export interface ExampleFolder {
  readonly dir: string
  /** The lines of an example's README that begin with this command, comments taken off. */
  lines(name: string, command: string): Promise<string[]>
  close(): Promise<void>
}

export const copyExamples = async (): Promise<ExampleFolder> => {
  const dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-2.7-'))
  await cp(FOLDER, dir, { recursive: true, filter: (path) => !path.endsWith('node_modules') && !path.endsWith('.mp4') })
  await mkdir(join(dir, 'node_modules'))
  await symlink(join(ROOT, 'node_modules/node-media-server-2'), join(dir, 'node_modules/node-media-server'))
  await symlink(ROOT, join(dir, 'node_modules/node-media-server-http-auth'))
  return {
    dir,
    async lines(name, command) {
      const text = await readFile(join(dir, name, 'README.md'), 'utf8')
      return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n'))
        .map((line) => line.replace(/\s+#.*$/, '')).filter((line) => line.includes(command))
    },
    close: () => rm(dir, { recursive: true, force: true })
  }
}

/** The small backend of the command, which lets in who has the token 123. */
export interface TokenBackend extends Running { readonly url: string }

export const startTokenBackend = async (): Promise<TokenBackend> => {
  const port = await freePort()
  const running = spawn(process.execPath, [join(ROOT, 'dist/cli.js'), 'backend', '--port', String(port)])
  await until(() => listens(port), () => `the backend listens: ${running.stderr()}`)
  return { ...running, url: `http://127.0.0.1:${port}` }
}

/** An example that runs. */
export interface RunningExample {
  readonly ports: PlainPorts
  readonly program: Running
  /** What it and the plugin have printed. */
  log(): string
  /** A text of its README with the ports of this one. */
  moved(text: string): string
  /** Runs such a line in its folder. */
  start(line: string): Running
  /** A player over RTMP, HTTP-FLV or HLS; its user agent is its own unless it is given. */
  play(url: string, frames: number): Promise<Played>
  /** Players of every protocol are told no, and get no byte of the stream. */
  refuses(streamPath: string, query: string): Promise<void>
  close(): Promise<void>
}

/** How a player has ended. */
export interface Played { readonly code: number | null, readonly frames: number, readonly stderr: string }

let players = 0

/** @param app - the file that is run, in a folder of the copy */
export const startExample = async ({ dir }: ExampleFolder, app: string, backendUrl: string, env: NodeJS.ProcessEnv = {}): Promise<RunningExample> => {
  const cwd = join(dir, app, '..')
  const { ports, program } = await onFreePorts(({ rtmp, http }) => startProgram(process.execPath, [join(dir, app)], { rtmp, http }, {
    cwd, env: { ...process.env, RTMP_PORT: String(rtmp), HTTP_PORT: String(http), BACKEND_URL: backendUrl, FFMPEG: tool('ffmpeg'), ...env }
  }))
  const moved = (text: string): string => text.replaceAll('127.0.0.1:1935', `127.0.0.1:${ports.rtmp}`).replaceAll('127.0.0.1:8000', `127.0.0.1:${ports.http}`)
  return {
    ports, program, moved,
    log: () => program.stdout() + program.stderr(),
    start: (line) => spawn('sh', ['-c', `exec ${moved(line)}`], { cwd }),
    async play(url, frames) {
      const player = playFrames(moved(url), { userAgent: `player ${players++}`, frames })
      try {
        const { code } = await inTime(player.exited, () => `${url} ends: ${player.stderr()}`, 40_000)
        return { code, frames: player.frames(), stderr: player.stderr() }
      } finally {
        await player.close()
      }
    },
    async refuses(streamPath, query) {
      for (const speech of ['rtmp', 'http-flv', 'ws-flv'] as const) {
        const stranger = await openClient({ ports: { ...ports, rtmps: 0, https: 0 }, speech, action: 'play', streamPath, query })
        try {
          expect(await stranger.told, speech).to.equal('no')
          await stranger.closed
          expect(stranger.mediaBytes(), speech).to.equal(0)
        } finally {
          await stranger.close()
        }
      }
    },
    async close() {
      await program.close()
      // node-media-server leaves its ffmpegs to find out by themselves.
      const left = async (): Promise<string[]> => {
        const { stdout } = await run(tool('ps'), ['-A', '-ww', '-o', 'args='])
        return stdout.split('\n').filter((line) => line.includes('ffmpeg') && line.includes(`127.0.0.1:${ports.rtmp}/`))
      }
      let processes: string[] = []
      await until(async () => (processes = await left()).length === 0, () => `its ffmpegs end: ${processes.join('\n')}`, 30_000)
    }
  }
}
