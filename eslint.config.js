import js from '@eslint/js'
import tseslint from 'typescript-eslint'
import regexp from 'eslint-plugin-regexp'
import callbacks from './scripts/callbacks.js'
import rooms from './scripts/rooms.js'

/**
 * Where every callback goes through `safely()`: all that runs in a server. Out are `check` and the commands
 * that ask a running server: each runs for one operator, and an exception must end it with its message.
 */
const SERVING = { files: ['lib/**/*.ts'], ignores: ['lib/check/**', 'lib/command/remote.ts', 'lib/command/watch.ts'] }

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
  {
    // Whatever a client, a backend or a file says is matched in time that grows with its length, never with its square.
    files: ['lib/**/*.ts'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false, ignoreSticky: false }]
    }
  },
  { files: ['lib/**/*.ts'], plugins: { rooms }, rules: { 'rooms/imports': 'error' } },
  { ...SERVING, plugins: { safely: callbacks }, rules: { 'safely/callbacks': 'error' } }
)
