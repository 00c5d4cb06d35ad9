import { cpus, release, totalmem, type } from 'node:os'
import { createRequire } from 'node:module'

const version = (name: string): string => (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version

/** What it ran on; nothing that says whose machine it is. */
export const machine = (): string => {
  const [cpu] = cpus()
  return [
    `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${type()} ${release().split(/[-+]/, 1)[0]}`,
    `Node ${process.version.slice(1)}`,
    `node-media-server ${version('node-media-server')}`,
    `undici ${version('undici')}`
  ].join(', ')
}
