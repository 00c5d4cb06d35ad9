import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const LIB = fileURLToPath(new URL('../lib', import.meta.url))

/**
 * What each room of lib/ may import beside its own files and Node's modules: rooms, or single files of
 * rooms, and packages. docs/architecture.md has the picture, and a test compares the two. A room inside a
 * room (`gate/door`) has rules of its own, and nobody may import it just because they may import the outer one.
 */
export const ROOMS = {
  access: { may: [], packages: [] },
  options: { may: ['access', 'errors'], packages: ['ajv', 'leven'] },
  backend: { may: ['access', 'errors', 'mask', 'trace', 'version'], packages: ['undici'] },
  policy: { may: ['access', 'errors', 'sessions/store', 'trace'], packages: [] },
  sessions: { may: ['access', 'errors', 'policy/request-key', 'policy/rule-path', 'trace'], packages: [] },
  store: { may: ['access', 'errors', 'sessions/store', 'trace'], packages: ['ioredis'] },
  hls: { may: ['access'], packages: [] },
  dash: { may: ['access', 'hls'], packages: ['saxes'] },
  gate: { may: ['access', 'gate/door', 'gate/http', 'gate/flv', 'gate/files', 'nms/host', 'nms/dialect'], packages: [] },
  'gate/door': { may: ['access', 'trace'], packages: [] },
  'gate/http': { may: ['access', 'gate/door', 'trace', 'farewell', 'nms/host'], packages: [] },
  'gate/proxy': { may: ['access', 'trace', 'nms/host'], packages: [] },
  'gate/rtmp': { may: ['access', 'gate/door', 'trace', 'farewell', 'nms/host', 'nms/dialect'], packages: [] },
  'gate/flv': { may: ['access', 'gate/door', 'gate/http', 'trace', 'nms/host', 'nms/dialect'], packages: [] },
  'gate/websocket': { may: ['access', 'gate/door', 'gate/http', 'trace', 'farewell', 'nms/host'], packages: [] },
  'gate/files': { may: ['access', 'gate/door', 'gate/http', 'hls', 'dash', 'trace', 'nms/host', 'nms/dialect'], packages: [] },
  nms: { may: ['access', 'errors', 'nms/common/attached', 'nms/v2/room', 'nms/v2/config-file', 'nms/v4/room'], packages: [] },
  'nms/common': { may: ['access', 'errors', 'nms/host', 'nms/dialect', 'nms/supported'], packages: [] },
  'nms/v4': { may: ['access', 'errors', 'trace', 'farewell', 'nms/common', 'nms/host', 'nms/dialect', 'nms/package'], packages: [] },
  'nms/v2': { may: ['access', 'errors', 'trace', 'farewell', 'nms/common', 'nms/host', 'nms/dialect', 'nms/package'], packages: [] },
  observe: { may: ['access', 'mask', 'version'], packages: ['prom-client'] },
  admin: { may: ['access', 'errors', 'mask', 'observe'], packages: [] },
  check: {
    may: ['access', 'errors', 'mask', 'options', 'backend', 'gate', 'gate/door', 'gate/http', 'gate/rtmp', 'gate/websocket', 'gate/files', 'gate/flv', 'hls', 'sessions', 'store', 'assembly/chain', 'nms/dialect', 'nms/find', 'nms/installed', 'nms/supported'],
    packages: []
  },
  assembly: {
    may: ['access', 'errors', 'mask', 'version', 'handle', 'options', 'backend', 'policy', 'sessions', 'store', 'gate', 'gate/door', 'gate/http', 'gate/proxy', 'gate/rtmp', 'gate/flv', 'gate/websocket', 'gate/files', 'nms/host', 'observe', 'admin'],
    packages: []
  },
  command: { may: ['errors', 'version', 'mask', 'options', 'check', 'handle', 'preload', 'nms/installed', 'nms/start', 'nms/v4/command-line'], packages: ['leven'] }
}

/** What every room may import. */
const EVERYWHERE = ['safely']

/** Packages that only the rooms that name them may know. */
const PACKAGES = ['ajv', 'leven', 'undici', 'node-media-server', 'ws', 'ioredis', 'prom-client', 'saxes']

/** The innermost room that a path below lib/ lies in; `undefined` for the files at its top. */
const roomOf = (path) => {
  const parts = path.split('/').slice(0, -1)
  for (let n = parts.length; n > 0; n--) {
    const room = parts.slice(0, n).join('/')
    if (room in ROOMS) return room
  }
  return undefined
}

/** The rule that holds every import of lib/ against the table. */
const imports = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const from = relative(LIB, context.filename).split(sep).join('/')
    const room = from.startsWith('..') ? undefined : roomOf(from)
    if (room === undefined) return {}
    const { may, packages } = ROOMS[room]
    const check = (node) => {
      const source = node.source?.value
      if (typeof source !== 'string') return
      if (!source.startsWith('.')) {
        const name = PACKAGES.find((known) => source === known || source.startsWith(`${known}/`))
        if (name !== undefined && !packages.includes(name)) context.report({ node, message: `lib/${room} may not know the package ${name}.` })
        return
      }
      const path = join(dirname(from), source).split(sep).join('/').replace(/\.js$/, '')
      const other = roomOf(path)
      if (other !== room && !may.includes(path) && !EVERYWHERE.includes(path) && !may.includes(other ?? path)) context.report({ node, message: `lib/${room} may not import ${path}.` })
    }
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check }
  }
}

export default { rules: { imports } }
