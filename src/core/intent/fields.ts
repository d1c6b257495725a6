// Reading JSON objects whose keys may be written in any case. What is wrong is collected with its path, so that one
// look at a file tells everything, and reading goes on with an empty value.

import { closest } from '../../lib/closest.ts'

export interface Item {
  readonly value: unknown
  /** Where it stands in the document: `Tenants[0].Name`. */
  readonly path: string
}

export interface Issue {
  readonly path: string
  readonly text: string
}

export class Fields {
  readonly path: string
  readonly #values = new Map<string, { readonly written: string; readonly value: unknown }>()
  readonly #known = new Map<string, string>()
  readonly #issues: Issue[]

  /** Anything but an object is an issue, and has no fields. */
  constructor({ value, path }: Item, issues: Issue[]) {
    this.path = path
    this.#issues = issues
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#report(path, `must be an object in braces, not ${describe(value)}`)
      return
    }
    for (const [written, field] of Object.entries(value)) {
      const earlier = this.#values.get(written.toLowerCase())
      if (earlier !== undefined) {
        this.#report(this.pathOf(written), `is given twice, as ${earlier.written} too; keep one of them`)
      }
      this.#values.set(written.toLowerCase(), { written, value: field })
    }
  }

  /** Whether the field is there and is not null. */
  has(name: string): boolean {
    const value = this.#take(name)
    return value !== undefined && value !== null
  }

  /** Text without surrounding spaces; empty when left out. */
  text(name: string): string {
    const value = this.#take(name)
    if (value === undefined || value === null) return ''
    if (typeof value === 'string') return value.trim()
    this.report(name, `must be text in quotes, not ${describe(value)}`)
    return ''
  }

  /** A whole number, also in quotes; 0 when left out or when it is one of the words. */
  number(name: string, { max, words = [] }: { readonly max: number; readonly words?: readonly string[] }): number {
    const value = this.#take(name)
    if (value === undefined || value === null || value === '') return 0
    const text = typeof value === 'string' ? value.trim().toLowerCase() : value
    if (typeof text === 'string' && words.includes(text)) return 0
    const number = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : text
    if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= max) return number
    const or = words.map((word) => ` or ${JSON.stringify(word)}`).join('')
    this.report(name, `must be a whole number from 0 to ${max}${or}, not ${describe(value)}`)
    return 0
  }

  /** One of the words, in any case; empty when left out. */
  word<const W extends string>(name: string, words: readonly W[]): W | '' {
    const text = this.text(name)
    const word = words.find((candidate) => candidate === text.toLowerCase())
    if (word !== undefined || text === '') return word ?? ''
    this.report(name, `must be ${words.join(' or ')}, not ${JSON.stringify(text)}`)
    return ''
  }

  /** The objects of a list; none when left out. */
  list(name: string): Fields[] {
    const value = this.#take(name)
    if (value === undefined || value === null) return []
    if (Array.isArray(value))
      return value.map((item, at) => new Fields({ value: item, path: `${this.pathOf(name)}[${at}]` }, this.#issues))
    this.report(name, `must be a list in brackets, not ${describe(value)}`)
    return []
  }

  report(name: string, text: string): void {
    this.#report(this.pathOf(name), text)
  }

  /** Reports an issue of the object as a whole. */
  reportSelf(text: string): void {
    this.#report(this.path, text)
  }

  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  /** Reports the fields that nobody asked for. */
  finish(): void {
    for (const [key, { written }] of this.#values) {
      if (this.#known.has(key)) continue
      const near = closest(key, this.#known.keys())
      const hint = near === undefined ? 'remove it' : `did you mean ${this.#known.get(near)}?`
      this.#report(this.pathOf(written.slice(0, 64)), `is not known here; ${hint}`)
    }
  }

  #take(name: string): unknown {
    this.#known.set(name.toLowerCase(), name)
    return this.#values.get(name.toLowerCase())?.value
  }

  #report(path: string, text: string): void {
    this.#issues.push({ path, text })
  }
}

/** Reads each object of a list, all fields of which `read` must ask for. */
export function readList<T>(fields: Fields, name: string, read: (item: Fields) => T): T[] {
  return fields.list(name).map((item) => {
    const value = read(item)
    item.finish()
    return value
  })
}

/** Names that must differ within a list. */
export function reportTwice(fields: Fields, name: string, names: readonly string[]): void {
  const seen = new Map<string, number>()
  for (const [at, each] of names.entries()) {
    const earlier = seen.get(each)
    if (each === '') continue
    if (earlier === undefined) seen.set(each, at)
    else
      fields.report(
        `${name}[${at}]`,
        `is ${JSON.stringify(each)}, as ${fields.pathOf(name)}[${earlier}] is; name it once`,
      )
  }
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 64 ? `${text.slice(0, 64)}…` : text
}
