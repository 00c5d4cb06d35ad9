/**
 * A preload: `node --import node-media-server-http-auth/register app.js`, or `--require`. Every
 * node-media-server that the app runs is guarded by what its config says under `httpAuth`; one
 * that has no such section does not start. An app that runs none is not touched.
 */
import { preload } from './preload.js'

preload()
