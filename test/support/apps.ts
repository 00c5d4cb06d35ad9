import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A folder with the compiled package in it, where apps find it and node-media-server. */
export interface AppFolder {
  readonly dir: string
  /** Path of a compiled module, named relative to `lib` without extension. */
  module(name: string): string
  /** Writes a file and returns its path. */
  write(name: string, text: string): Promise<string>
  close(): Promise<void>
}

/**
 * Compiles `lib` as it is now, without checking types, into a folder of its own: what `--require`
 * and `--import` load in production is JavaScript, and a `dist` may be older than the sources.
 */
export const createAppFolder = async (): Promise<AppFolder> => {
  const cache = join(ROOT, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const dir = await mkdtemp(join(cache, 'app-'))
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(dir, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    return path
  }
  await write('package.json', '{ "type": "module" }')
  const names = (await readdir(join(ROOT, 'lib'), { recursive: true })).filter((name) => name.endsWith('.ts'))
  await Promise.all(names.map(async (name) => {
    const { outputText } = ts.transpileModule(await readFile(join(ROOT, 'lib', name), 'utf8'), {
      fileName: name, compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true }
    })
    await write(join('dist', name.replace(/\.ts$/, '.js')), outputText)
  }))
  return {
    dir,
    module: (name) => join(dir, 'dist', `${name}.js`),
    write,
    close: () => rm(dir, { recursive: true, force: true })
  }
}
