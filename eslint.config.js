import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/**
 * What each room of lib/ may import, beside its own files and Node's modules. docs/architecture.md
 * has the picture; a violation is an error here, so the picture stays true.
 */
const ROOMS = {
  access: { rooms: [], packages: [] },
  options: { rooms: ['access', 'errors', 'section'], packages: ['ajv'] },
  backend: { rooms: ['access', 'errors', 'log', 'version'], packages: ['undici'] },
  policy: { rooms: ['access', 'errors', 'log'], packages: [] },
  hls: { rooms: ['access'], packages: [] },
  console: { rooms: ['access', 'log'], packages: [] },
  gate: { rooms: ['access', 'hls', 'log', 'farewell', 'nms/host'], packages: [] },
  nms: { rooms: ['access', 'errors', 'log', 'farewell'], packages: [] },
  check: { rooms: ['access', 'errors', 'log', 'options', 'backend', 'gate', 'hls', 'chain', 'nms/host', 'nms/static-route'], packages: [] },
  command: { rooms: ['errors', 'version', 'log', 'options', 'check', 'handle', 'preload'], packages: [] }
}
const PACKAGES = ['ajv', 'undici', 'debug', 'node-media-server', 'ws']

/** The rooms of which only some files are allowed, with those. */
const parts = (rooms) => {
  const files = rooms.filter((allowed) => allowed.includes('/'))
  return [...new Set(files.map((file) => file.split('/')[0]))].map((room) => [room, files.filter((file) => file.startsWith(`${room}/`))])
}

const roomRules = Object.entries(ROOMS).map(([room, { rooms, packages }]) => {
  const others = [...Object.keys(ROOMS), 'errors', 'log', 'farewell', 'version', 'index', 'plugin', 'chain', 'handle', 'stats', 'section', 'preload', 'register', 'cli']
    .filter((other) => other !== room && !rooms.some((allowed) => allowed === other || allowed.startsWith(`${other}/`)))
  return {
    files: [`lib/${room}/**/*.ts`],
    rules: {
      'no-restricted-imports': ['error', {
        patterns: [
          { group: others.flatMap((other) => [`../${other}`, `../${other}.js`, `../${other}/**`]), message: `lib/${room} may not import that room.` },
          ...parts(rooms).map(([other, files]) => ({
            group: [`../${other}/**`, ...files.map((file) => `!../${file}.js`)], message: `lib/${room} may import only ${files.join(' and ')} of that room.`
          })),
          { group: PACKAGES.filter((name) => !packages.includes(name)).flatMap((name) => [name, `${name}/**`]), message: `lib/${room} may not know that package.` }
        ]
      }]
    }
  }
})

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/', '**/vendor/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/strict-boolean-expressions': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-control-regex': 'off'
    }
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off'
    }
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', Buffer: 'readonly', URL: 'readonly', URLSearchParams: 'readonly', setTimeout: 'readonly', setInterval: 'readonly', clearTimeout: 'readonly', clearInterval: 'readonly', setImmediate: 'readonly', fetch: 'readonly', require: 'readonly', module: 'writable', __dirname: 'readonly', document: 'readonly', window: 'readonly', location: 'readonly' } }
  },
  ...roomRules
)
