import { meets, type Figure, type Measured, type Unit } from './row.js'
import type { Spread } from './spread.js'

const digits = (value: number, unit: Unit): string =>
  unit === '×' ? value.toFixed(3) : unit === 'B' || unit === '1/s' ? Math.round(value).toString() : value.toFixed(2)

const withUnit = (text: string, unit: Unit): string => unit === '×' ? text : `${text} ${unit}`

const range = ({ median, min, max }: Spread, unit: Unit): string =>
  `${withUnit(digits(median, unit), unit)} (${digits(min, unit)}–${digits(max, unit)})`

const goalOf = ({ goal, unit }: Figure): string =>
  goal === undefined ? '' : 'atMost' in goal ? `≤ ${withUnit(String(goal.atMost), unit)}` : `≥ ${withUnit(String(goal.atLeast), unit)}`

const absolutes = (measured: readonly Measured[]): string => measured.map(({ name, value, unit }) => `${name} ${range(value, unit)}`).join('; ')

const met = (figure: Figure): string => ({ true: 'yes', false: 'no', undefined: '' })[String(meets(figure)) as 'true' | 'false' | 'undefined']

/** One figure as it comes, for who waits for the table. */
export const line = (figure: Figure): string => {
  const goal = goalOf(figure)
  return `${figure.variant}: ${range(figure.figure, figure.unit)}${goal === '' ? '' : `, goal ${goal}: ${meets(figure) ? 'met' : 'missed'}`}; ${absolutes(figure.absolute)}`
}

/** The table as Markdown, which can be read in a terminal as well. */
export const table = (figures: readonly Figure[]): string => {
  const rows = figures.map((figure) => [
    `\`${figure.bench}\` ${figure.variant}`, range(figure.figure, figure.unit), goalOf(figure), met(figure), absolutes(figure.absolute)
  ])
  const head = ['bench', 'median (min–max)', 'goal', 'met', 'measured']
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => column === 4 ? 0 : row[column]!.length)))
  const row = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [row(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(row)].join('\n')
}

/** Under what the figures were taken, and what there is to say about them. */
export const conditions = (figures: readonly Figure[]): string => {
  const lines = figures.map(({ bench, options, note }) => [
    `${bench}: ${Object.entries(options).map(([name, value]) => `${name} ${value}`).join(', ')}`, ...(note === undefined ? [] : [`${bench}: ${note}`])
  ])
  return [...new Set(lines.flat())].map((text) => `- ${text}`).join('\n')
}
