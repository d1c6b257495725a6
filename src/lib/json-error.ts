// Where a text stops being JSON (RFC 8259), for people: JSON.parse does not always tell the position.

/** `unexpected "x" at line 2, column 5`, or undefined when the text is JSON. */
export function findJsonError(text: string): string | undefined {
  const position = firstError(text)
  if (position === undefined) return undefined
  const lines = text.slice(0, position).split('\n')
  const where = `at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
  const character = text.slice(position, position + 1)
  return character === '' ? `it ends too early ${where}` : `unexpected ${JSON.stringify(character)} ${where}`
}

type Expecting = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'end'

function firstError(text: string): number | undefined {
  // Sticky expressions carry a position: they are made anew for each text.
  const space = /[ \t\n\r]*/y
  const key = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
  const scalar = new RegExp(`${key.source}|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|true|false|null`, 'y')
  const open: ('{' | '[')[] = []
  let at = 0
  let expecting: Expecting = 'value'
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const matched = pattern.test(text)
    if (matched) at = pattern.lastIndex
    return matched
  }
  const afterValue = (): Expecting => (open.length === 0 ? 'end' : 'comma')
  while (true) {
    take(space)
    const character = text[at]
    if (expecting === 'end') return character === undefined ? undefined : at
    if (character === undefined) return at
    const closes = open.at(-1) === '{' ? '}' : ']'
    const mayClose: boolean = expecting === 'comma' || expecting === 'first key' || expecting === 'first value'
    if (mayClose && character === closes) {
      at++
      open.pop()
      expecting = afterValue()
    } else if (expecting === 'comma' || expecting === 'colon') {
      if (character !== (expecting === 'comma' ? ',' : ':')) return at
      at++
      expecting = expecting === 'comma' && open.at(-1) === '{' ? 'key' : 'value'
    } else if (expecting === 'key' || expecting === 'first key') {
      if (!take(key)) return at
      expecting = 'colon'
    } else if (character === '{' || character === '[') {
      at++
      open.push(character)
      expecting = character === '{' ? 'first key' : 'first value'
    } else {
      if (!take(scalar)) return at
      expecting = afterValue()
    }
  }
}
