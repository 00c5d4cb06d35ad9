import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { StaticRoute } from '../../nms/dialect.js'
import type { ServedPath } from './served-path.js'

/** Where NMS finds a file: in the media folder, in a folder of public pages, or nowhere. */
export type Found = 'media' | 'pages' | 'nowhere'

/** The folders that NMS serves. */
export interface Folders {
  readonly media: StaticRoute
  /** Whether public pages share the paths of media. */
  readonly shared: boolean
  /** Searches the folders in NMS's order. */
  find(served: ServedPath): Promise<Found>
}

/** @returns `undefined` if no folder holds media */
export const createFolders = (routes: readonly StaticRoute[]): Folders | undefined => {
  const media = routes.find(({ open }) => open !== true)
  return media && {
    media,
    shared: routes.length > 1,
    async find({ file }) {
      for (const { root, open } of routes) if (await isFile(join(root, file))) return open === true ? 'pages' : 'media'
      return 'nowhere'
    }
  }
}

const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
