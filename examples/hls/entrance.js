import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'

/**
 * The address from which the packager comes to the server, for a rule. All of 127.0.0.0/8 is this machine, but
 * nothing uses this address of it by itself: what a proxy on this machine forwards, over TCP, too, comes from
 * 127.0.0.1, whomever it serves; nobody can come from it over a network; and for RTMP no header is believed that
 * says where a client is from. So the rule is for who runs programs here.
 */
export const SOURCE = '127.0.0.2'

/**
 * Opens a way to the server for one connection, which then comes from `SOURCE`: not every ffmpeg can choose its own
 * address.
 *
 * @param to host and port of the server's RTMP
 * @returns the port of 127.0.0.1 on which the one is waited for; `close` shuts it, and cuts the connection
 */
export const openEntrance = async (to) => {
  let end = () => {}
  const entrance = createServer((near) => {
    entrance.close()
    const far = connect({ ...to, localAddress: SOURCE })
    end = () => near.destroy()
    pipeline(near, far, near, (error) => {
      if (error?.code === 'EADDRNOTAVAIL') console.error(`hls: this machine lacks the address ${SOURCE}; on macOS: sudo ifconfig lo0 alias ${SOURCE}`)
    })
  })
  entrance.maxConnections = 1
  entrance.listen(0, '127.0.0.1')
  await once(entrance, 'listening')
  return {
    port: entrance.address().port,
    close: () => {
      entrance.close()
      end()
    }
  }
}
