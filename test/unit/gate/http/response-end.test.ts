import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { isOver, onceOver } from '../../../../lib/gate/http/response-end.js'
import { until } from '../../../support/waiting.js'

describe('the end of a response', () => {
  let server: Server
  let client: Socket
  let responses: ServerResponse[]
  let ended: number[]
  const over = (): boolean[] => responses.map(isOver)

  beforeEach(async () => {
    responses = []
    ended = []
    server = createServer((_, res) => {
      const index = responses.push(res) - 1
      onceOver(res, () => ended.push(index))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('error', () => undefined).resume()
    // The second waits behind the first.
    client.write('GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n')
    await until(() => responses.length === 2, 'both have come')
  })
  afterEach(() => {
    client.destroy()
    server.close()
    server.closeAllConnections()
  })

  it('is the client\'s leaving, also for one that waits behind another', async () => {
    expect(over()).to.deep.equal([false, false])
    client.destroy()
    await until(() => ended.length === 2, 'both have ended')
    expect(over()).to.deep.equal([true, true])
    expect(ended).to.have.members([0, 1])
  })

  it('is told once, when it has been sent', async () => {
    for (const [index, res] of responses.entries()) {
      res.end('sent')
      await until(() => ended.length === index + 1, 'it has ended')
      expect(over()).to.deep.equal([true, index === 1])
    }
    client.destroy()
    await once(responses[1]!.req.socket, 'close')
    expect(ended).to.deep.equal([0, 1])
  })
})
