import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where distributions put nginx's modules. */
const FOLDERS = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/usr/share/nginx/modules', '/usr/local/libexec/nginx']

/**
 * The file of a module of nginx's, such as `rtmp`.
 * @throws Error that says how to get it
 */
export const nginxModule = (name: string): string => {
  const module = FOLDERS.map((folder) => join(folder, `ngx_${name}_module.so`)).find((file) => existsSync(file))
  if (module === undefined) throw new Error(`nginx's ${name} module is missing: run npm run setup`)
  return module
}
