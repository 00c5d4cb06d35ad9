import type { Networks } from '../../access/address.js'
import type { HttpFront, HttpRequest } from '../../nms/host.js'

const FORWARDING = ['x-forwarded-for', 'x-real-ip', 'forwarded'] as const

/**
 * Warns once if a peer that is not trusted sends forwarding headers: it may be the operator's own proxy, and then all
 * viewers seem to have its address.
 */
export const hintForwarding = (front: HttpFront, trusted: Networks, hint: (text: string) => void): HttpFront => {
  let told = false
  const look = ({ headers, socket }: Pick<HttpRequest, 'headers' | 'socket'>): void => {
    const name = FORWARDING.find((each) => headers[each] !== undefined)
    const peer = socket.remoteAddress ?? ''
    if (name === undefined || peer === '' || trusted.has(peer)) return
    told = true
    hint(`${peer.replace(/^::ffff:/, '')} sends the header ${name} and is not in trustProxy, so that is ignored; if it is your proxy, name it there`)
  }
  return {
    request(req, ...rest) {
      if (!told) look(req)
      front.request(req, ...rest)
    },
    upgrade(req, ...rest) {
      if (!told) look(req)
      front.upgrade(req, ...rest)
    }
  }
}
