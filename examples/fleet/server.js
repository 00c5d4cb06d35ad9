// One of the servers; its config comes from fleet.js.
import NodeMediaServer from 'node-media-server'
import { httpAuth } from 'node-media-server-http-auth'

const nms = new NodeMediaServer(JSON.parse(process.argv[2]))
httpAuth(nms)
await nms.run()

// The store of node-media-server has put its own handlers there, which end the process before anybody else has cleaned up.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.removeAllListeners(signal)
  process.once(signal, async () => {
    await nms.stop()
    process.exit(0)
  })
}
