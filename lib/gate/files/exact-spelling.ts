import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Authorize } from '../../access/authorize.js'
import { deny } from '../../access/verdict.js'

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

/** Why no file is meant by a path. */
export const MALFORMED_FILE = 'ask for files by their plain path'

const LACKS = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/** For what is not there or may not be read; that this process lacks something says nothing about the disk. */
const orElse = <T>(instead: T) => (error: unknown): T => {
  if (LACKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  return instead
}

const swapCase = (text: string): string =>
  text.replace(/\p{L}/gu, (letter) => letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())

/** Other spellings by which a disk that forgives some would find a name. */
const otherSpellings = (name: string): string[] =>
  [swapCase(name), name.normalize('NFC'), name.normalize('NFD')].filter((other) => other !== name)

/** Windows knows long names by short ones, too. */
const mayBeShort = (name: string): boolean => name.includes('~')

/**
 * Makes the check whether a path below a folder is spelled as its names are on the disk. Some disks
 * find a file by other spellings, too (case, Unicode forms, short names), and a rule or a backend
 * that knows the one would be got round by another. A name that is found by one spelling alone
 * passes, and so does what is not there; a folder is read only where a disk forgives.
 *
 * Rejects if this process lacks descriptors or memory.
 *
 * @param root - absolute
 */
export const exactSpelling = (root: string, disk: Disk = DISK): (file: string) => Promise<boolean> => {
  /** Whether a name in a folder could be found by another spelling. */
  const isForgiven = async (folder: string, name: string): Promise<boolean> => {
    if (mayBeShort(name)) return true
    for (const other of otherSpellings(name)) {
      if (await disk.same(join(folder, name), join(folder, other)).catch(orElse(false))) return true
    }
    return false
  }
  return async (file) => {
    let folder = root
    for (const name of file.split('/')) {
      if (name === '') continue
      if (await isForgiven(folder, name)) {
        const names = await disk.names(folder).catch(orElse<readonly string[]>([]))
        // What is listed by no name at all, but found, is found by another spelling.
        if (!names.includes(name)) return !(await disk.same(join(folder, name), join(folder, name)).catch(orElse(false)))
      }
      folder = join(folder, name)
    }
    return true
  }
}

/**
 * Looks at the spelling of a file's path once it is allowed: nobody without an allow keeps this
 * process's threads busy with the disk.
 *
 * @param isExact - is given the path below the mount
 * @param mount - as configured, without a `/` at its end
 */
export const exactly = (next: Authorize, isExact: (file: string) => Promise<boolean>, mount: string): Authorize => async (request, signal) => {
  const verdict = await next(request, signal)
  if (!verdict.allowed || (request.protocol !== 'hls' && request.protocol !== 'file')) return verdict
  try {
    return await isExact(request.path.slice(mount.length)) ? verdict : deny('malformed', MALFORMED_FILE)
  } catch (error) {
    return deny('overload', `cannot look for the file: ${(error as Error).message}`)
  }
}
