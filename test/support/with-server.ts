import { join } from 'node:path'
import { newest } from '../../lib/assembly/newest.js'
import type { Options } from '../../lib/options/options.js'
import { startBackend, type BackendAnswer, type ControlledBackend } from './backend.js'
import { cleanup, type Cleanup } from './cleanup.js'
import { writeFiles } from './hls-files.js'
import { startServer, type ServerSettings, type TestServer } from './server.js'

/** What the tests of one `describe()` share. */
export interface Shared {
  readonly backend: ControlledBackend
  readonly server: TestServer
  /** Keeps what one test opens, and closes it after the test. */
  readonly keep: Cleanup
  /** Keeps what all of them use, and closes it after the last. */
  readonly last: Cleanup
}

export interface SharedSettings extends Omit<ServerSettings, 'options'> {
  /** The plugin's options, beside the URL of the backend. */
  readonly options?: Partial<Options>
  /** What the backend answers unless a test says otherwise. Default: by the token. */
  readonly answer?: BackendAnswer | Parameters<ControlledBackend['answer']>[0]
  /** What lies in the server's folder `static`, which is then served below `/static`. */
  readonly files?: Readonly<Record<string, string | number | Buffer>>
}

/** Starts a server with its files. */
const startWith = async (backend: ControlledBackend, { options, files, config, ...more }: Omit<SharedSettings, 'answer'>): Promise<TestServer> => {
  const server = await startServer({
    ...more,
    config: { ...files && { static: { router: '/static', root: 'static' } }, ...config },
    options: { url: backend.url, ...options }
  })
  if (files) await writeFiles(join(server.dir, 'static'), files)
  return server
}

const started = <T>(running: T | undefined): T => {
  if (running === undefined) throw new Error('it has not been started yet: use it in a hook or a test')
  return running
}

/**
 * To be called in a `describe()`: starts a backend, and a server that asks it, for all of its tests. Before each test the
 * backend has been asked nothing; after it what it kept is closed, and the backend answers as at first. Backend and server are there once the
 * first hook runs.
 *
 * @param settings - of the server; a function if they need what it starts itself, or the backend
 */
export const withServer = (settings: SharedSettings | ((shared: Omit<Shared, 'server'>) => SharedSettings | Promise<SharedSettings>) = {}): Shared => {
  const [keep, last] = [cleanup(), cleanup()]
  const running: { backend?: ControlledBackend, server?: TestServer } = {}
  const backend = newest(() => started(running.backend))
  let answer: SharedSettings['answer']
  const answerAsAtFirst = (): void => {
    backend.reset()
    if (answer !== undefined) backend.answer(answer)
  }

  before(async () => {
    running.backend = last(await startBackend())
    const { answer: given, ...more } = typeof settings === 'function' ? await settings({ backend, keep, last }) : settings
    answer = given
    answerAsAtFirst()
    running.server = last(await startWith(backend, more))
  })
  after(() => last.run())
  beforeEach(() => { backend.requests.length = 0 })
  afterEach(async () => {
    await keep.run()
    answerAsAtFirst()
  })
  return { backend, server: newest(() => started(running.server)), keep, last }
}

/** The same for tests that each need a server of their own: every one has a new backend, and starts what it needs. */
export const withBackend = (): Pick<Shared, 'backend' | 'keep'> & { start(settings?: Omit<SharedSettings, 'answer'>): Promise<TestServer> } => {
  const keep = cleanup()
  let running: ControlledBackend | undefined
  const backend = newest(() => started(running))
  beforeEach(async () => { running = keep(await startBackend()) })
  afterEach(() => keep.run())
  return { backend, keep, start: async (settings = {}) => keep(await startWith(backend, settings)) }
}
