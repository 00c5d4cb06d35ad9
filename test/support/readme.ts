import { readFileSync } from 'node:fs'
import type { PlainPorts } from './guarded.js'

/** A block of code in a Markdown file. */
export interface CodeBlock {
  /** `js`, `json`, `sh`, … */
  readonly language: string
  readonly text: string
  /** Where it begins, counted from 1. */
  readonly line: number
}

const FILE = new URL('../../README.md', import.meta.url)

export const readme = (): string => readFileSync(FILE, 'utf8')

/** The README's blocks of code, of one language or of all. */
export const codeBlocks = (language?: string): CodeBlock[] => {
  const text = readme()
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .map(({ 1: tag = '', 2: body = '', index }) => ({ language: tag, text: body, line: text.slice(0, index).split('\n').length }))
    .filter((block) => language === undefined || block.language === language)
}

/** The lines of the README's shell blocks, comments taken off. */
export const shellLines = (): string[] =>
  codeBlocks('sh').flatMap(({ text }) => text.split('\n')).map((line) => line.replace(/\s+#.*$/, '').trim()).filter((line) => line !== '')

/** A text of the README with the ports and the backend of a test. */
export const moved = (text: string, { rtmp, http }: PlainPorts, backend: string): string =>
  text.replaceAll('1935', String(rtmp)).replaceAll('8000', String(http)).replaceAll('http://127.0.0.1:6000', backend)
