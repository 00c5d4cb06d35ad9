import type { Server } from 'node:http'
import type { NmsConfig, NmsInstance } from './shapes.js'

type Handler = (req: object, res: object, next: () => void) => void
interface Layer { readonly name: string, handle: Handler }

/** The folders that NMS's Express app serves files from, in its order: the package's own pages, `mediaroot`, `webroot`. */
export const folderLayers = (server: Server): Layer[] => {
  const [app] = server.listeners('request') as { readonly _router?: { readonly stack?: readonly Layer[] } }[]
  return (app?._router?.stack ?? []).filter(({ name }) => name === 'serveStatic')
}

/** The number of these folders for a config. */
export const foldersOf = ({ http }: NmsConfig): number => http?.webroot ? 3 : 2

/**
 * Lets NMS serve only admitted requests from `mediaroot`: a file may appear there after the gate looked for it, and
 * pages and API share its paths.
 *
 * @returns a function that removes the guard
 */
export const guardMediaRoot = ({ nhs }: NmsInstance, admitted: WeakSet<object>): () => void => {
  const layer = nhs && folderLayers(nhs.httpServer)[1]
  if (layer === undefined) return () => undefined
  const { handle } = layer
  layer.handle = (req, res, next) => { if (admitted.has(req)) handle(req, res, next); else next() }
  return () => { layer.handle = handle }
}
