import { MAX_VALUE_DEPTH } from '../../access/bounds.js'

/** AMF0 type markers, and the sizes of those with a fixed length. */
const FIXED_BYTES: Readonly<Record<number, number>> = { 0: 8, 1: 1, 5: 0, 6: 0, 7: 2, 11: 10, 13: 0 }
const [STRING, OBJECT, ECMA_ARRAY, OBJECT_END, STRICT_ARRAY, LONG_STRING, XML, TYPED_OBJECT] = [2, 3, 8, 9, 10, 12, 15, 16]

/**
 * Rejects values nested too deeply to decode: node-media-server recurses for each level. Decodes nothing, and leaves
 * invalid AMF0 to the decoder.
 * @throws RangeError if they are too deep
 */
export const checkDepth = (amf: Buffer): void => {
  /** Values left in each open object and array; `Infinity` if an end marker closes it. */
  const open: number[] = []
  const begin = (values: number): void => {
    if (open.push(values) > MAX_VALUE_DEPTH) throw new RangeError(`values within each other, more than ${MAX_VALUE_DEPTH} deep`)
  }
  let at = 0
  const skipText = (lengthBytes: 2 | 4): boolean => {
    if (at + lengthBytes > amf.length) return false
    at += lengthBytes + amf.readUIntBE(at, lengthBytes)
    return true
  }
  while (at < amf.length) {
    const left = open.at(-1)
    if (left === 0) {
      open.pop()
      continue
    }
    if (left === Infinity) {
      const key = at
      if (!skipText(2)) return
      if (at === key + 2 && amf[at] === OBJECT_END) {
        at += 1
        open.pop()
        continue
      }
    } else if (left !== undefined) open[open.length - 1] = left - 1
    const mark = amf[at++] ?? -1
    switch (mark) {
      case STRING: if (!skipText(2)) return; break
      case LONG_STRING: case XML: if (!skipText(4)) return; break
      case OBJECT: begin(Infinity); break
      case TYPED_OBJECT: if (!skipText(2)) return; begin(Infinity); break
      case ECMA_ARRAY: at += 4; begin(Infinity); break
      case STRICT_ARRAY: if (at + 4 > amf.length) return; begin(amf.readUInt32BE(at)); at += 4; break
      default: if (FIXED_BYTES[mark] === undefined) return; at += FIXED_BYTES[mark]
    }
  }
}
