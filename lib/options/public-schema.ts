import { PLACEHOLDERS } from '../access/placeholders.js'
import { PRESETS } from './presets.js'
import { SCHEMA } from './schema.js'

/** A JSON schema, or a part of one. */
type Schema = Readonly<Record<string, unknown>>

const HEADER_NAME = "^[\\w!#$%&'*+.^`|~-]+$"

const ORIGIN = '^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\s]+$'

/**
 * The package's own formats as patterns, because editors and other validators do not know the formats. A
 * pattern accepts everything that its format accepts, and maybe more: `resolve` decides.
 */
export const PATTERNS: Readonly<Record<string, string>> = {
  'backend-url': '^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\s]+([/?][^#]*)?$',
  'store-url': '^(rediss?://|/)',
  'store-prefix': '^[\\w.:-]{1,64}$',
  origin: ORIGIN,
  'origin-or-all': `^\\*$|${ORIGIN}`,
  network: '^[\\da-fA-F:.]+(/\\d{1,3})?$',
  address: '^[\\da-fA-F:.]+$',
  'host-name': '^([a-zA-Z\\d_.-]+|\\[[\\da-fA-F:.]+\\])$',
  template: `^(?![\\s\\S]*\\{(?!(?:${PLACEHOLDERS.join('|')})\\})\\w+\\})`,
  'header-name': HEADER_NAME,
  'webhook-header-name': HEADER_NAME,
  'header-value': '^[\\t\\x20-\\x7e\\x80-\\xff]*$',
  'response-header-name': HEADER_NAME,
  'rule-path': '^[/*]',
  extension: '^\\.?[a-zA-Z\\d]{1,16}$',
  'probe-path': '^/[!-"$->@-~]{0,254}$',
  'probe-query': '^[!-"$-~]{0,1024}$',
  'stream-pattern': '\\{app\\}.*\\{stream\\}|\\{stream\\}.*\\{app\\}'
}

/** Keywords that apply to one type only. */
const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  string: ['format', 'minLength', 'maxLength', 'pattern'],
  array: ['items', 'minItems', 'maxItems', 'uniqueItems'],
  object: ['properties', 'additionalProperties', 'propertyNames', 'required'],
  boolean: ['not']
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)

/** One alternative per type: strict validators reject a list of types. */
const split = ({ type, ...rest }: Schema): Schema => {
  if (!Array.isArray(type)) return type === undefined ? rest : { type, ...rest }
  const typed = Object.values(OF_TYPE).flat()
  const pick = (names: readonly string[]): Schema => Object.fromEntries(Object.entries(rest).filter(([name]) => names.includes(name)))
  const common = Object.fromEntries(Object.entries(rest).filter(([name]) => !typed.includes(name)))
  return { ...common, anyOf: (type as string[]).map((each) => ({ type: each, ...pick(OF_TYPE[each] ?? []) })) }
}

const publish = (schema: Schema): Schema => {
  const { format, ...rest } = schema
  const pattern = typeof format === 'string' ? PATTERNS[format] : undefined
  const known = split(pattern === undefined ? rest : { ...rest, pattern })
  return Object.fromEntries(Object.entries(known).map(([keyword, value]): [string, unknown] => {
    if (keyword === 'properties' && isSchema(value)) return [keyword, Object.fromEntries(Object.entries(value).map(([name, child]) => [name, publish(child as Schema)]))]
    if (keyword === 'anyOf' && Array.isArray(value)) return [keyword, value.map((child) => publish(child as Schema))]
    const holdsSchema = ['items', 'additionalProperties', 'propertyNames', 'not'].includes(keyword) && isSchema(value)
    return [keyword, !holdsSchema ? value : keyword === 'propertyNames' ? { type: 'string', ...publish(value) } : publish(value)]
  }))
}

/** Presets with a URL of their own; the others need the operator's. */
const WITH_URL = Object.entries(PRESETS).flatMap(([name, { url }]) => url === undefined ? [] : [name])

/** The section `httpAuth` for editors and other validators: JSON schema draft-07, without custom formats. */
export const sectionSchema = (): Schema => ({
  ...publish(SCHEMA),
  anyOf: [
    { type: 'object', required: ['url'] },
    { type: 'object', required: ['preset'], properties: { preset: { enum: WITH_URL } } }
  ]
})

/** The whole config file of node-media-server; it accepts the other sections as they are. */
export const configSchema = (): Schema => {
  const { $schema, ...section } = sectionSchema()
  return {
    $schema,
    title: 'node-media-server with node-media-server-http-auth',
    description: 'The config file of nms-http-auth: that of node-media-server, with the section httpAuth.',
    type: 'object',
    required: ['httpAuth'],
    properties: {
      $schema: { type: 'string' },
      httpAuth: {
        description: 'Which clients are let in. false leaves the server open on purpose.',
        anyOf: [{ type: 'boolean', const: false }, section]
      }
    }
  }
}
