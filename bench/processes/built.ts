import { existsSync } from 'node:fs'

/**
 * Loads a file of the compiled package: benches measure what users get.
 * @throws Error that says how to compile it
 */
export const built = async <T>(file: string): Promise<T> => {
  const url = new URL(`../../dist/${file}`, import.meta.url)
  if (!existsSync(url)) throw new Error('the package is not built: run npm run build')
  return await import(url.href) as T
}
