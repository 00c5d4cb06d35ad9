import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { cleanup, forbidden, ok, rawBackend } from './raw-backend.js'

const LIB = new URL('../../../lib/backend/backend.ts', import.meta.url).href
const HELP = new URL('raw-backend.ts', import.meta.url).href

/** Runs a program with `ask`, `backendFor` and `url` in a process of its own; resolves with what it printed. */
const run = async (url: string, program: string, maxFiles = 1024): Promise<string> => {
  const source = `const { ask, backendFor } = await import('${HELP}'); await import('${LIB}'); const url = '${url}'; ${program}`
  const { stdout } = await promisify(execFile)('bash', ['-c', `ulimit -n ${maxFiles}; exec "$0" "$@"`, process.execPath, '--import', 'tsx', '--input-type=module', '-e', source], { timeout: 15_000 })
  return stdout.trim()
}

describe('the backend in a process of its own', () => {
  const keep = cleanup()
  afterEach(() => keep.run())

  it('denies when no descriptor is left, by address and by name, and works again after', async () => {
    const { port } = keep(await rawBackend((socket) => { socket.write(forbidden) }))
    const out = await run('', `
      const { openSync, closeSync } = await import('node:fs')
      const byAddress = backendFor('http://127.0.0.1:${port}'), byName = backendFor('http://localhost:${port}')
      const open = []
      const fill = () => { try { for (;;) open.push(openSync('/dev/null')) } catch (error) { return error.code } }
      // The loader of this program still closes files of its own: all are taken only when none has come free for a while.
      for (let held = -1; held !== open.length;) { held = open.length || -1; fill(); await new Promise((resolve) => setTimeout(resolve, 200)) }
      console.log(fill())
      for (const backend of [byAddress, byName]) console.log(await ask(backend).then(({ source, allowed }) => source + allowed, String))
      for (const file of open) closeSync(file)
      for (const backend of [byAddress, byName]) console.log(await ask(backend).then(({ source, allowed }) => source + allowed, String))
      await Promise.all([byAddress.close(), byName.close()])`, 120)
    expect(out.split('\n')).to.deep.equal(['EMFILE', 'overloadfalse', 'overloadfalse', 'backendfalse', 'backendfalse'])
  })

  it('asks the probe when no descriptor is left: one is set aside, and the name was found before', async () => {
    const { port } = keep(await rawBackend((socket) => { socket.write(forbidden.replace('Length: 0', 'Length: 0\r\nConnection: close')) }))
    const out = await run('', `
      const { openSync } = await import('node:fs')
      const backends = ['127.0.0.1', 'localhost'].map((host) => backendFor('http://' + host + ':${port}', { timeoutMs: 3000 }))
      const probe = async () => (await Promise.all(backends.map((backend) => backend.probe()))).map(([{ outcome }]) => outcome.is).join()
      console.log(await probe())
      try { for (;;) openSync('/dev/null') } catch (error) { console.log(error.code) }
      console.log(await probe())
      for (const backend of backends) console.log(await ask(backend).then(({ source, allowed }) => source + allowed, String))
      process.exit()`, 120)
    expect(out.split('\n')).to.deep.equal(['answered,answered', 'EMFILE', 'answered,answered', 'overloadfalse', 'overloadfalse'])
  })

  it('keeps no process alive once nobody waits, closed or not', async () => {
    const { url } = keep(await rawBackend((socket) => { socket.write(ok) }))
    const start = performance.now()
    const out = await run(url, `
      console.log((await ask(backendFor(url, { timeoutMs: 60000 }))).allowed)
      const closed = backendFor(url, { timeoutMs: 60000 })
      console.log((await ask(closed)).allowed)
      await closed.close()`)
    expect(out).to.equal('true\ntrue')
    expect(performance.now() - start).to.be.below(12_000)
  })
})
