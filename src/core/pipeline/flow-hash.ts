// A hash of what a flow is and does. An agent hashes each flow that it makes, tens of thousands at once: so it reads the
// flow as it is, once, and makes no text of it.

import { hash32 } from '../../lib/hash.ts'
import type { Flow } from '../../protocols/openflow/index.ts'

/** Of everything but the cookie; the order of a match's fields does not count. 40 bits, part of cookies on hosts. */
export function flowHash({ table, priority, match, actions, goto, meter }: Omit<Flow, 'cookie'>): number {
  const lanes = new Lanes()
  lanes.word((table << 16) | priority)
  lanes.word(goto ?? 0x100)
  lanes.word(meter ?? 0)
  lanes.fields(match)
  for (const action of actions) lanes.fields(action)
  return lanes.bits40()
}

/** Two hashes of the same words, each of 32 bits. */
class Lanes {
  #high = 0x9e3779b9
  #low = 0x85ebca6b

  word(word: number): void {
    const high = Math.imul(this.#high ^ word, 0x9e3779b1)
    const low = Math.imul(this.#low ^ word, 0x5f356495)
    this.#high = high ^ (high >>> 15)
    this.#low = low ^ (low >>> 13)
  }

  bits40(): number {
    this.word(0)
    return (this.#high & 0xff) * 2 ** 32 + (this.#low >>> 0)
  }

  /** They are added up: in whichever order they come, the sum is the same. */
  fields(fields: object): void {
    const [high, low] = [this.#high, this.#low]
    let [sumHigh, sumLow] = [0, 0]
    for (const name in fields) {
      const value: unknown = fields[name as keyof typeof fields]
      if (value === undefined) continue
      this.#high = high
      this.#low = low
      this.word(nameHash(name))
      this.#value(value)
      sumHigh = (sumHigh + this.#high) | 0
      sumLow = (sumLow + this.#low) | 0
    }
    this.#high = high ^ sumHigh
    this.#low = low ^ sumLow
    this.word(1)
  }

  /** Numbers up to 2^53, texts, bigints, flags; lists by their order and objects by their names. */
  #value(value: unknown): void {
    switch (typeof value) {
      case 'number':
        this.word(value | 0)
        this.word(Math.floor(value / 2 ** 32))
        return
      case 'string':
        for (let at = 0; at < value.length; at++) this.word(value.charCodeAt(at))
        return
      case 'bigint':
        this.#bigint(value)
        return
      case 'boolean':
        this.word(value ? 1 : 2)
        return
      default:
        if (Array.isArray(value)) for (const item of value) this.#value(item)
        else this.fields(value as object)
    }
  }

  #bigint(value: bigint): void {
    const last = Number(BigInt.asUintN(32, value))
    this.word(last)
    const rest = value >> 32n
    if (rest > 0n) this.#bigint(rest)
  }
}

/** Names are few. */
const names = new Map<string, number>()

function nameHash(name: string): number {
  const known = names.get(name)
  if (known !== undefined) return known
  const hash = hash32(name)
  names.set(name, hash)
  return hash
}
