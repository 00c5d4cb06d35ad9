import type { ESLint } from 'eslint'

declare const callbacks: ESLint.Plugin
export default callbacks
