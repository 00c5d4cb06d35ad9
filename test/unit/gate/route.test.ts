import { expect } from 'chai'
import { createFileKind } from '../../../lib/gate/files/kind.js'
import { readServedPath } from '../../../lib/gate/files/served-path.js'
import { createRoute } from '../../../lib/gate/route.js'
import { createDialect } from '../../../lib/nms/v4/dialect.js'
import { DEFAULTS } from '../../../lib/options/defaults.js'

const kindOf = createFileKind(DEFAULTS.files.open)
const routeBelow = (router: string) => createRoute(createDialect({ static: { router, root: '/srv' } }), {
  read: readServedPath(router), isOpen: ({ file }) => kindOf(file) === 'open'
})
const file = (path: string, below: string) => ({ is: 'file', served: { path, file: below } })

describe('the route of an HTTP request', () => {
  const below = routeBelow('/static')
  const atRoot = routeBelow('/')
  const without = createRoute(createDialect({}), undefined)
  const live = { is: 'live', streamPath: '/live/s' }
  const other = { is: 'other' }
  for (const [what, found, expected] of [
    ['a live stream', below('GET', '/live/s.flv'), live],
    ['a live stream, published', below('POST', '/live/s.flv'), live],
    ['a live stream in another spelling', below('GET', '/live/%73.flv'), { is: 'malformed', of: 'live' }],
    ['a file', below('GET', '/static/live/s/1.ts'), file('/static/live/s/1.ts', 'live/s/1.ts')],
    ['a file in another spelling', below('GET', '/static//1.ts'), { is: 'malformed', of: 'file' }],
    ['a recording that cannot be live', below('GET', '/static/live/s.flv'), file('/static/live/s.flv', 'live/s.flv')],
    ['a recording, or else a stream', below('GET', '/static/s.flv'), { ...file('/static/s.flv', 's.flv'), otherwise: { is: 'live', streamPath: '/static/s' } }],
    ['a stream, published where files are', below('POST', '/static/s.flv'), { is: 'live', streamPath: '/static/s' }],
    ['a file, but by a method that reads none', below('POST', '/static/1.ts'), file('/static/1.ts', '1.ts')],
    ['the admin page', below('GET', '/admin/'), other],
    ['a file, or else the admin page', atRoot('GET', '/admin/1.ts'), { ...file('/admin/1.ts', 'admin/1.ts'), otherwise: other }],
    ['the API, written to', atRoot('POST', '/api/v1/login'), other],
    ['a page that is open anyway', atRoot('GET', '/admin/index.html'), file('/admin/index.html', 'admin/index.html')],
    ['nothing, where no files are served', without('GET', '/static/1.ts'), other]
  ] as const) {
    it(`leads to ${what}`, () => expect(found).to.deep.equal(expected))
  }
})
