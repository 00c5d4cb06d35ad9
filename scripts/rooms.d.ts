import type { ESLint } from 'eslint'

export declare const ROOMS: Readonly<Record<string, { readonly may: readonly string[], readonly packages: readonly string[] }>>
declare const rooms: ESLint.Plugin
export default rooms
