/**
 * A preload: `node --import node-media-server-http-auth/register app.js`, or `--require`. Guards every
 * node-media-server that the app runs as its config says under `httpAuth`; one without this section does not start. An
 * app that runs none is not affected.
 */
import { preload } from './preload.js'

preload()
