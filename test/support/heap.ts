import type v8 from 'node:v8'
import type vm from 'node:vm'
import type { TestServer } from './server.js'

/** Bytes that a server's process holds once all that can be collected has been: V8's heap, and buffers outside it. */
export const heapOf = (server: TestServer): Promise<number> => server.evaluate(async ({ require }) => {
  const { setFlagsFromString } = require('node:v8') as typeof v8
  setFlagsFromString('--expose-gc')
  const collect = (require('node:vm') as typeof vm).runInNewContext('gc') as () => void
  // What closes in this turn of the event loop lets its memory go in the next.
  for (let times = 0; times < 4; times++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
})
