import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What is asked of the disk. */
export interface Disk {
  /** Names in a folder; rejects if there is none. */
  readonly names: (folder: string) => Promise<readonly string[]>
  /** Whether two paths exist and are the same file. */
  readonly same: (one: string, other: string) => Promise<boolean>
}

const DISK: Disk = {
  names: (folder) => readdir(folder),
  same: async (one, other) => {
    const [a, b] = await Promise.all([stat(one, { bigint: true }), stat(other, { bigint: true })])
    return a.ino === b.ino && a.dev === b.dev
  }
}

const LACKS = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/** For what is not there or may not be read; that this process lacks something says nothing about the disk. */
const orElse = <T>(instead: T) => (error: unknown): T => {
  if (LACKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  return instead
}

const swapCase = (text: string): string =>
  text.replace(/\p{L}/gu, (letter) => letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())

/**
 * Makes the check whether a path below a folder is spelled as its names are on the disk. Some disks
 * find a file by other spellings, too (case, Unicode forms, short names), and a rule or a backend
 * that knows the one would be got round by another. On a disk that does not, which is found out
 * once, every path passes; so does what is not there. Until it is found out, every path is checked.
 *
 * Rejects if this process lacks descriptors or memory.
 *
 * @param root - absolute
 */
export const exactSpelling = (root: string, disk: Disk = DISK): (file: string) => Promise<boolean> => {
  let forgiving: boolean | undefined

  /** `undefined` while there is no name by which it could be found out, or the disk cannot be read. */
  const findOut = async (): Promise<boolean | undefined> => {
    const name = (await disk.names(root)).find((candidate) => swapCase(candidate) !== candidate)
    if (name === undefined) return undefined
    await disk.same(join(root, name), join(root, name))
    return disk.same(join(root, name), join(root, swapCase(name))).catch(() => false)
  }
  return async (file) => {
    forgiving ??= await findOut().catch(() => undefined)
    if (forgiving === false) return true
    let folder = root
    for (const name of file.split('/')) {
      if (name === '') continue
      const names = await disk.names(folder).catch(orElse<readonly string[]>([]))
      // What is listed by no name at all, but found, is found by another spelling.
      if (!names.includes(name)) return !(await disk.same(join(folder, name), join(folder, name)).catch(orElse(false)))
      folder = join(folder, name)
    }
    return true
  }
}
