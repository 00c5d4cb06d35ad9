import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Authorize } from '../../access/authorize.js'
import { isForFiles } from '../../access/request.js'
import { deny } from '../../access/verdict.js'

/** The file system calls needed here. */
export interface Disk {
  /** Names in a folder; rejects if it does not exist. */
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

/** The reason given for a malformed file path. */
export const MALFORMED_FILE = 'malformed file path'

const LACKS = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/**
 * Returns a default if the file is missing or unreadable. Rethrows if this process lacks resources, because that says
 * nothing about the disk.
 */
const orElse = <T>(instead: T) => (error: unknown): T => {
  if (LACKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  return instead
}

const swapCase = (text: string): string =>
  text.replace(/\p{L}/gu, (letter) => letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())

/** Other spellings under which a lenient disk would find a name. */
const otherSpellings = (name: string): string[] =>
  [swapCase(name), name.normalize('NFC'), name.normalize('NFD')].filter((other) => other !== name)

/** Windows also finds long names by their short ones. */
const mayBeShort = (name: string): boolean => name.includes('~')

/**
 * Creates a check whether a path below a folder is spelled exactly like the names on disk. Some disks also find a file
 * by other spellings (case, Unicode forms, short names), which would bypass a rule or a backend that knows only the
 * exact one. A name with a single possible spelling passes, and so does a missing file; a folder is listed only if the
 * disk is lenient.
 *
 * Rejects if this process lacks descriptors or memory.
 *
 * @param root - absolute path
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
        // A name that is found but not listed was found by another spelling.
        if (!names.includes(name)) return !(await disk.same(join(folder, name), join(folder, name)).catch(orElse(false)))
      }
      folder = join(folder, name)
    }
    return true
  }
}

/**
 * Checks the spelling of a file's path after the backend has allowed it, so that clients without an allow cannot keep
 * this process's threads busy with the disk.
 *
 * @param isExact - receives the path below the mount
 * @param mount - as configured, without a trailing `/`
 */
export const exactly = (next: Authorize, isExact: (file: string) => Promise<boolean>, mount: string): Authorize => async (request, signal) => {
  const verdict = await next(request, signal)
  if (!verdict.allowed || !isForFiles(request)) return verdict
  try {
    return await isExact(request.path.slice(mount.length)) ? verdict : deny('malformed', MALFORMED_FILE)
  } catch (error) {
    return deny('overload', `cannot look for the file: ${(error as Error).message}`)
  }
}
