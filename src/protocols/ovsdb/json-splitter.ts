// Cuts a byte stream of JSON-RPC messages that follow each other without any separator (RFC 7047, section 4)
// into one text per message. Works on bytes, because a chunk may end in the middle of a character.

import { NetpluginError } from '../../lib/errors.ts'

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

export interface JsonSplitterOptions {
  /** A longer message is a protocol error: it bounds what a broken peer can make us hold. */
  readonly maxMessageBytes: number
}

export class JsonSplitter {
  readonly #maxMessageBytes: number
  #parts: Uint8Array[] = []
  #held = 0
  #depth = 0
  #inString = false
  #escaped = false

  constructor(options: JsonSplitterOptions) {
    this.#maxMessageBytes = options.maxMessageBytes
  }

  /** Bytes of an unfinished message. */
  get held(): number {
    return this.#held
  }

  /**
   * Takes a chunk; returns the texts of the objects and arrays that it completes, in order. They are balanced, not checked further:
   * JSON.parse does that. Throws OVSDB_FRAMING on anything else between messages and on an oversized message; the stream is then unusable.
   */
  push(chunk: Uint8Array): readonly string[] {
    const messages: string[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === backslash) this.#escaped = true
        else if (byte === quote) this.#inString = false
        continue
      }
      if (byte === openBrace || byte === openBracket) {
        if (this.#depth === 0) start = at
        this.#depth++
      } else if (this.#depth === 0) {
        if (!isSpace(byte)) throw framing(`a message starts with byte ${byte}, not with { or [`)
      } else if (byte === quote) {
        this.#inString = true
      } else if (byte === closeBrace || byte === closeBracket) {
        this.#depth--
        if (this.#depth === 0) messages.push(this.#finish(chunk.subarray(start, at + 1)))
      }
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start))
    return messages
  }

  #finish(tail: Uint8Array): string {
    this.#keep(tail)
    const text = Buffer.concat(this.#parts, this.#held).toString('utf8')
    this.#parts = []
    this.#held = 0
    return text
  }

  #keep(part: Uint8Array): void {
    this.#held += part.length
    if (this.#held > this.#maxMessageBytes) {
      throw framing(`a message is longer than ${this.#maxMessageBytes} bytes`)
    }
    this.#parts.push(part)
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function framing(message: string): NetpluginError {
  return new NetpluginError('protocol', 'OVSDB_FRAMING', `the OVSDB byte stream is broken: ${message}; reconnect`)
}
