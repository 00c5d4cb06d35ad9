/** A value of AMF0; `undefined` and `null` have markers of their own. */
export type AmfValue = number | boolean | string | null | undefined | readonly AmfValue[] | { readonly [key: string]: AmfValue } | AmfRaw

/** Bytes that stand for a value as they are, well-formed or not. */
export class AmfRaw {
  constructor(readonly bytes: Buffer) {}
}

const NUMBER = 0
const BOOLEAN = 1
const STRING = 2
const OBJECT = 3
const NULL = 5
const UNDEFINED = 6
const ECMA_ARRAY = 8
const OBJECT_END = 9
const STRICT_ARRAY = 10
const LONG_STRING = 12

const marked = (marker: number, ...parts: Buffer[]): Buffer => Buffer.concat([Buffer.from([marker]), ...parts])
const uint = (value: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}
const key = (text: string): Buffer => Buffer.concat([uint(Buffer.byteLength(text), 2), Buffer.from(text)])

/** Encodes one value. */
export const encodeAmf = (value: AmfValue): Buffer => {
  if (value instanceof AmfRaw) return value.bytes
  if (value === null) return marked(NULL)
  if (value === undefined) return marked(UNDEFINED)
  if (typeof value === 'boolean') return marked(BOOLEAN, Buffer.from([value ? 1 : 0]))
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return marked(NUMBER, bytes)
  }
  if (typeof value === 'string') {
    const long = Buffer.byteLength(value) > 0xffff
    return marked(long ? LONG_STRING : STRING, uint(Buffer.byteLength(value), long ? 4 : 2), Buffer.from(value))
  }
  if (Array.isArray(value)) return marked(STRICT_ARRAY, uint(value.length, 4), ...(value as readonly AmfValue[]).map(encodeAmf))
  const fields = Object.entries(value).flatMap(([name, field]) => [key(name), encodeAmf(field)])
  return marked(OBJECT, ...fields, uint(OBJECT_END, 3))
}

/** Encodes several values one behind the other, as commands and metadata are. */
export const encodeAmfs = (...values: readonly AmfValue[]): Buffer => Buffer.concat(values.map(encodeAmf))

/**
 * Decodes all values of a message.
 * @throws RangeError if it is truncated or has a marker that no server sends
 */
export const decodeAmfs = (bytes: Buffer): AmfValue[] => {
  let at = 0
  const take = (count: number): Buffer => {
    if (at + count > bytes.length) throw new RangeError('truncated AMF0')
    at += count
    return bytes.subarray(at - count, at)
  }
  const text = (lengthBytes: number): string => take(take(lengthBytes).readUIntBE(0, lengthBytes)).toString()
  const fields = (): Record<string, AmfValue> => {
    const object: Record<string, AmfValue> = {}
    for (let name = text(2); name !== '' || bytes[at] !== OBJECT_END; name = text(2)) object[name] = next()
    at += 1
    return object
  }
  const next = (): AmfValue => {
    const marker = take(1).readUInt8()
    switch (marker) {
      case NUMBER: return take(8).readDoubleBE()
      case BOOLEAN: return take(1)[0] !== 0
      case STRING: return text(2)
      case OBJECT: return fields()
      case NULL: return null
      case UNDEFINED: return undefined
      case ECMA_ARRAY: take(4); return fields()
      case STRICT_ARRAY: return Array.from({ length: take(4).readUInt32BE() }, next)
      case LONG_STRING: return text(4)
      default: throw new RangeError(`AMF0 marker ${marker}`)
    }
  }
  const values: AmfValue[] = []
  while (at < bytes.length) values.push(next())
  return values
}
