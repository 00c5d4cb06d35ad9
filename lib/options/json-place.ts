const SPACE = /[ \t\r\n]*/y
/** Strings, numbers, words, the rest one character at a time. */
const TOKEN = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[^]/y

const isValue = (token: string): boolean => /^["\d-]./s.test(token) || /^\d$|^(?:true|false|null)$/.test(token)

/** What may come next: a value, a name, … */
type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or ]' | ', or }' | 'the end'

/**
 * Where a text stops being JSON, `undefined` if it is JSON. Node's own message names the place only
 * for some mistakes, and quotes from the text, which may hold secrets.
 */
export const jsonPlace = (text: string): { readonly line: number, readonly column: number, readonly expected: string } | undefined => {
  const open: ('[' | '{')[] = []
  let expected: Expected = 'value'
  let at = 0
  const closed = (): Expected => open.length === 0 ? 'the end' : open.at(-1) === '[' ? ', or ]' : ', or }'
  const step = (token: string): Expected | undefined => {
    switch (expected) {
      case 'value or ]': case 'value':
        if (token === ']' && expected === 'value or ]') { open.pop(); return closed() }
        if (token === '[') { open.push('['); return 'value or ]' }
        if (token === '{') { open.push('{'); return 'name or }' }
        return isValue(token) ? closed() : undefined
      case 'name or }': case 'name':
        if (token === '}' && expected === 'name or }') { open.pop(); return closed() }
        return token.length > 1 && token.startsWith('"') ? ':' : undefined
      case ':': return token === ':' ? 'value' : undefined
      case ', or ]': case ', or }':
        if (token === ',') return expected === ', or ]' ? 'value' : 'name'
        if (!expected.endsWith(token)) return undefined
        open.pop()
        return closed()
      case 'the end': return undefined
    }
  }
  const read = (kind: RegExp): string => {
    kind.lastIndex = at
    return kind.exec(text)?.[0] ?? ''
  }
  for (;;) {
    at += read(SPACE).length
    if (at >= text.length) break
    const token = read(TOKEN)
    const next = step(token)
    if (next === undefined) return place(text, at, expected)
    expected = next
    at += token.length
  }
  return expected === 'the end' ? undefined : place(text, at, expected)
}

const place = (text: string, at: number, expected: Expected): { line: number, column: number, expected: string } => {
  const before = text.slice(0, at).split('\n')
  const wanted = expected.startsWith('name') ? expected.replace('name', 'a name in double quotes') : expected.replace(/^value/, 'a value')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, expected: wanted }
}
