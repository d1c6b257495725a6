// The netmasters a client may ask. It stays with one as long as that answers; the next is the one after it.

import { NetpluginError } from '../lib/errors.ts'

export interface ServerChoice {
  readonly url: URL
  /** Aborts when the client goes to another one: what waits for this one need not. */
  readonly left: AbortSignal
}

export class Servers {
  readonly #given: readonly URL[]
  #urls: readonly URL[]
  #left = new AbortController()
  #at = 0

  /** `text`: one URL, or several with commas between them. Throws `invalid` BAD_URL. */
  constructor(text: string) {
    this.#given = text
      .split(',')
      .map((part) => part.trim())
      .filter((part, at) => part !== '' || at === 0)
      .map(parseBaseUrl)
    this.#urls = this.#given
  }

  get count(): number {
    return this.#urls.length
  }

  get list(): readonly string[] {
    return this.#urls.map(({ href }) => href)
  }

  get current(): ServerChoice {
    const url = this.#urls[this.#at % this.#urls.length]
    if (url === undefined) throw new NetpluginError('internal', 'NO_SERVER', 'there is no netmaster to ask')
    return { url, left: this.#left.signal }
  }

  /** This one did not serve: the next is asked from now on. Does nothing when that was done, or when there is only one. */
  leave({ left }: ServerChoice): void {
    if (left !== this.#left.signal || this.#urls.length < 2) return
    this.#at = (this.#at + 1) % this.#urls.length
    this.#left.abort(
      new NetpluginError('unavailable', 'NETMASTER_LEFT', 'netmaster did not answer: another one is asked'),
    )
    this.#left = new AbortController()
  }

  /** All there are, as one of them says; those that were given stay. */
  learn(texts: readonly string[]): void {
    const known = new Set(this.#given.map(({ href }) => href))
    const learned = texts.flatMap((text) => URL.parse(text) ?? []).filter(({ href }) => !known.has(href))
    const urls = [...this.#given, ...learned]
    if (urls.map(String).join(' ') === this.#urls.map(String).join(' ')) return
    const { href } = this.current.url
    this.#urls = urls
    const at = urls.findIndex((url) => url.href === href)
    if (at >= 0) this.#at = at
    else this.#at = 0
  }
}

function parseBaseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') return url
  throw new NetpluginError(
    'invalid',
    'BAD_URL',
    `${JSON.stringify(text)} is not the URL of a netmaster; write it as http://host:9999`,
  )
}
