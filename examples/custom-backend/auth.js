// The same backend in Node: 200 lets in, any other status does not.
import { createServer } from 'node:http'

const { PORT = 6000 } = process.env

const server = createServer((req, res) => {
  const token = new URL(req.url, 'http://backend').searchParams.getAll('token').at(-1)
  if (token === '123') {
    console.log([
      '',
      ` Session ID: ${req.headers['x-session-id']}`,
      `    Real IP: ${req.headers['x-real-ip']}`,
      `  Real Path: ${req.headers['x-real-path']}`,
      `Real Origin: ${req.headers['x-real-origin']}`,
      `    Real UA: ${req.headers['x-real-ua']}`
    ].join('\n'))
    res.writeHead(200).end()
  } else {
    res.writeHead(403).end()
  }
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`auth.js listens on http://127.0.0.1:${server.address().port}`))
