import type { ErrorObject } from 'ajv'
import { closestMatch } from 'leven'
import { FORMATS } from './formats.js'
import { shown } from './redact.js'
import { SCHEMA } from './schema.js'

/** `/rules/0/ip` as `httpAuth.rules[0].ip`. */
const optionPath = (pointer: string, ...below: string[]): string =>
  [...pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')), ...below]
    .reduce((path, key) => /^\d+$/.test(key)
      ? `${path}[${key}]`
      : /^[\w$-]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key.slice(0, 60))}]`, 'httpAuth')

/** The section to which a misplaced option belongs. */
const homeOf = (key: string): string | undefined => {
  if (Object.hasOwn(SCHEMA.properties, key)) return `httpAuth.${key}`
  const section = Object.entries<object>(SCHEMA.properties)
    .find(([, schema]) => 'properties' in schema && Object.hasOwn(schema.properties as object, key))
  return section && `httpAuth.${section[0]}.${key}`
}

const unknownKey = (key: string, allowed: readonly string[]): string => {
  const lower = new Map(allowed.map((name) => [name.toLowerCase(), name]))
  const near = closestMatch(key.toLowerCase().slice(0, 60), [...lower.keys()], { maxDistance: Math.max(2, Math.floor(key.length / 3)) })
  if (near !== undefined) return `unknown option, did you mean "${lower.get(near)}"?`
  const home = homeOf(key)
  return home === undefined ? `unknown option, known here: ${allowed.join(', ')}` : `unknown option here, did you mean ${home}?`
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string', array: 'a list', object: 'an object', integer: 'a whole number', boolean: 'true or false', null: 'null'
}

const problem = (error: ErrorObject): string => {
  const { keyword, params, data } = error
  const given = params as Record<string, unknown>
  switch (keyword) {
    case 'type': return `must be ${[given['type']].flat().map((type) => TYPES[String(type)] ?? String(type)).join(' or ')}`
    case 'enum': return `must be ${(given['allowedValues'] as unknown[]).map((value) => JSON.stringify(value)).join(' or ')}`
    case 'minimum': return `must be at least ${String(given['limit'])}`
    case 'maximum': return `must be at most ${String(given['limit'])}`
    case 'minItems': case 'minLength': return 'must not be empty'
    case 'uniqueItems': return 'must not contain duplicates'
    case 'not': return typeof data === 'boolean' ? 'must be an object or false' : `must not be ${String(data)}`
    case 'contains': return `must name ${JSON.stringify((error.schema as { const: unknown }).const)}`
    case 'format': return FORMATS[String(given['format'])]?.(String(data)) ?? 'is not valid'
    default: return 'is not valid'
  }
}

/** One line for an error of the validator; `undefined` for an error that only repeats another. */
export const mistakeOf = (error: ErrorObject): string | undefined => {
  const { keyword, instancePath, propertyName, params, data, parentSchema } = error
  const given = params as Record<string, string>
  if (keyword === 'propertyNames') return undefined
  // Ajv also reports each member that is not the missing one.
  if (keyword === 'const') return undefined
  if (keyword === 'additionalProperties') {
    const key = given['additionalProperty'] ?? ''
    const { properties = {} } = parentSchema as { properties?: object }
    return `${optionPath(instancePath, key)}: ${unknownKey(key, Object.keys(properties))}`
  }
  if (keyword === 'required') return `${optionPath(instancePath, given['missingProperty'] ?? '')}: is required`
  if (propertyName !== undefined) return `${optionPath(instancePath, propertyName)}: ${problem(error)}`
  const path = optionPath(instancePath)
  return `${path}: ${problem(error)}, got ${shown(path, data)}`
}
