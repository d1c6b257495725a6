// The same connections opened time and again, as fast as a Prober goes, while something else happens. What became of them
// is told at the end: what must not arrive may come late.

import assert from 'node:assert/strict'
import type { TestLab } from './lab.ts'
import type { Outcome, Probe, Prober } from './prober.ts'
import { isRight } from './truth-table.ts'

export class Load {
  readonly #lab: TestLab
  readonly #prober: Prober
  readonly #probes: readonly Probe[]
  readonly #outcomes: Outcome[] = []
  #rounds = 0
  #going = true
  readonly #over: Promise<void>

  /** Begins at once. The prober must not be used otherwise until it is stopped. */
  constructor(lab: TestLab, prober: Prober, probes: readonly Probe[]) {
    this.#lab = lab
    this.#prober = prober
    this.#probes = probes
    this.#over = this.#run()
  }

  /** Resolves when all of them were tried some times more, from beginning to end. */
  async more(rounds: number): Promise<void> {
    const enough = this.#rounds + rounds + 1
    await this.#lab.until(`${rounds} rounds of load`, () => this.#rounds >= enough || undefined, 30_000)
  }

  /** Ends it, fails if anything was passed or dropped wrongly, and tells how many were rightly. */
  async stop(): Promise<{ readonly passed: number; readonly denied: number }> {
    this.#going = false
    await this.#over
    const wrong = this.#outcomes.filter((outcome) => !isRight(outcome))
    const words = wrong.slice(0, 20).map(outcomeWords)
    assert.deepEqual(words, [], `${wrong.length} of ${this.#outcomes.length} connections are wrong`)
    const passed = this.#outcomes.filter(({ answered }) => answered).length
    return { passed, denied: this.#outcomes.length - passed }
  }

  async #run(): Promise<void> {
    while (this.#going) {
      this.#outcomes.push(...(await this.#prober.probe(this.#probes)))
      this.#rounds++
    }
  }
}

function outcomeWords({ probe, answered, heardBy }: Outcome): string {
  const { from, to, service, expected } = probe
  const seen = [answered ? 'answered' : 'not answered', ...[...heardBy].map((name) => `heard by ${name}`)].join(', ')
  return `${from.name} to ${to.name}, ${service.kind} ${service.port}: ${expected ? 'must pass' : 'must not pass'}; ${seen}`
}
