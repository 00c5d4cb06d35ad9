import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../support/tools.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A folder with nothing in it but what `npm install` brought. */
export interface Installed {
  readonly dir: string
  /** What the tarball holds, by path. */
  readonly files: readonly string[]
  /** What npm printed when it installed. */
  readonly said: string
  write(name: string, text: string): Promise<string>
  close(): Promise<void>
}

const npm = async (args: readonly string[], cwd: string): Promise<{ stdout: string, stderr: string }> => {
  // npm tells its children about the project that it runs for; this one is another.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?:package|lifecycle|command|config_local_prefix)/i.test(name)))
  const { code, stdout, stderr } = await run('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline'], { cwd, env, timeoutMs: 170_000 })
  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
  return { stdout, stderr }
}

/** Packs this package as it would be published, and installs it with a node-media-server into an empty folder. */
export const installPacked = async (nms: string): Promise<Installed> => {
  const dir = await mkdtemp(join(tmpdir(), 'nms-http-auth-package-'))
  try {
    const [packed] = JSON.parse((await npm(['pack', '--json', '--silent', '--pack-destination', dir], ROOT)).stdout.replace(/^[^[]*/s, '')) as [{ files: { path: string }[] }]
    const tarball = (await readdir(dir)).find((name) => name.endsWith('.tgz')) ?? ''
    await writeFile(join(dir, 'package.json'), '{ "name": "app", "private": true }')
    const { stdout, stderr } = await npm(['install', join(dir, tarball), `node-media-server@${nms}`, '@types/node@20'], dir)
    return {
      dir,
      said: stdout + stderr,
      files: packed.files.map(({ path }) => path),
      async write(name, text) {
        const path = join(dir, name)
        await writeFile(path, text)
        return path
      },
      close: () => rm(dir, { recursive: true, force: true })
    }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}
