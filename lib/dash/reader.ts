import { SaxesParser } from 'saxes'
import { ATTRIBUTES, isLink, LEVELS, localName, LOCATIONS } from './names.js'
import { Scope, type Reference, type ReferenceKind } from './scope.js'
import { bytesOf, trimmed } from './xml-text.js'

/** The parts of a manifest that matter here. */
export interface ManifestText {
  /** Attributes of the root element. */
  readonly root: Readonly<Record<string, string>>
  /** In document order. */
  readonly references: readonly Reference[]
}

/** An open element. */
interface Frame {
  /** The level that its content belongs to. */
  readonly scope: Scope | undefined
  /** Its own level; -1 if the element is not a level. */
  readonly level: number
  /** How to treat its text, if that is a URI. */
  readonly text: TextReading | undefined
}

interface TextReading {
  readonly kind: ReferenceKind
  readonly scope: Scope
  /** Where its content begins. */
  readonly from: number
  value: string
  /** False once it contains other elements. */
  isText: boolean
}

interface AttributeReading { readonly name: string, readonly value: string, readonly from: number, readonly to: number }

const ENCODINGS = /^(?:utf-?8|us-ascii)$/i

/**
 * Finds the URIs in a manifest (MPD, ISO/IEC 23009-1) and their positions. Only XML's predefined entities are
 * supported: any document type is refused.
 *
 * @throws Error if it is not well-formed or not a manifest, with the position
 */
export const readManifest = (text: string): ManifestText => new Reader(text).read()

class Reader {
  private readonly parser = new SaxesParser({ xmlns: false, defaultXMLVersion: '1.0', forceXMLVersion: true } as const)
  private readonly frames: Frame[] = []
  private readonly references: Reference[] = []
  private root: Readonly<Record<string, string>> | undefined
  /** The URI attributes of the current tag. */
  private wanted: ReadonlyMap<string, ReferenceKind> | undefined
  private attributes: AttributeReading[] = []

  constructor(private readonly text: string) {
    const { parser } = this
    /* eslint-disable safely/callbacks -- the parser calls them while it is written to, and what they throw is what read() throws */
    parser.on('doctype', () => parser.fail('a document type is not allowed'))
    parser.on('xmldecl', ({ encoding }) => {
      if (encoding !== undefined && !ENCODINGS.test(encoding)) parser.fail('it is not in UTF-8')
    })
    parser.on('opentagstart', ({ name }) => {
      this.wanted = ATTRIBUTES.get(localName(name))
      if (this.attributes.length > 0) this.attributes = []
    })
    parser.on('attribute', ({ name, value }) => {
      if (this.wanted?.has(name) !== true && !isLink(name)) return
      const to = parser.position - 1
      this.attributes.push({ name, value, from: this.text.lastIndexOf(this.text.charAt(to), to - 1) + 1, to })
    })
    parser.on('opentag', ({ name, attributes }) => this.open(localName(name), attributes))
    parser.on('closetag', () => this.close())
    const take = (text: string): void => {
      const reading = this.frames.at(-1)?.text
      if (reading !== undefined) reading.value += text
    }
    parser.on('text', take)
    parser.on('cdata', take)
    /* eslint-enable safely/callbacks */
  }

  read(): ManifestText {
    this.parser.write(this.text).close()
    return { root: this.root ?? {}, references: this.references }
  }

  private open(name: string, attributes: Readonly<Record<string, string>>): void {
    const parent = this.frames.at(-1)
    if (parent === undefined) {
      if (name !== LEVELS[0]) this.parser.fail('it is not an MPD')
      this.root = attributes
    }
    if (parent?.text !== undefined) parent.text.isText = false
    const level = parent === undefined ? 0 : parent.level >= 0 && name === LEVELS[parent.level + 1] ? parent.level + 1 : -1
    const scope = level < 0 ? parent?.scope : new Scope(parent?.scope, identifiersOf(attributes))
    for (const attribute of this.attributes) {
      const kind = isLink(attribute.name) ? 'link' : this.wanted?.get(attribute.name) ?? 'uri'
      const holder = kind === 'link' ? parent?.scope ?? scope : scope
      if (holder !== undefined) this.note(attribute, kind, holder)
    }
    this.frames.push({ scope, level, text: this.textOf(name, parent) })
  }

  private textOf(name: string, parent: Frame | undefined): TextReading | undefined {
    if (parent?.scope === undefined || parent.level < 0) return undefined
    const kind = name === 'BaseURL' ? 'base' : LOCATIONS.has(name) ? 'location' : undefined
    return kind && { kind, scope: parent.scope, from: this.parser.position, value: '', isText: true }
  }

  private close(): void {
    const reading = this.frames.pop()?.text
    if (reading === undefined) return
    const { kind, scope, from, value, isText } = reading
    if (kind === 'base') scope.baseUrls.push(isText ? bytesOf(value.slice(...trimmed(value))) : undefined)
    const to = this.text.lastIndexOf('</', this.parser.position - 1)
    if (isText && to > from) this.note({ value, from, to }, kind, scope)
  }

  private note({ value, from, to }: Omit<AttributeReading, 'name'>, kind: ReferenceKind, scope: Scope): void {
    const isEscaped = this.text.slice(from, to) !== value
    const [start, end] = trimmed(value)
    if (start === end) return
    this.references.push({
      value: bytesOf(value.slice(start, end)), isEscaped, kind, scope,
      from: isEscaped ? from : from + start, to: isEscaped ? to : from + end
    })
  }
}

const identifiersOf = ({ id, bandwidth }: Readonly<Record<string, string>>) =>
  ({ id: id === undefined ? undefined : bytesOf(id), bandwidth: bandwidth === undefined ? undefined : bytesOf(bandwidth) })
