// What a benchmark gets to work with: a lab of three hosts with one network, and a way to run our own measuring programs
// inside its hosts.

import { fileURLToPath } from 'node:url'
import type { TestLab } from '../test/support/lab.ts'
import type { Row } from './result.ts'

export interface Benchmark {
  readonly name: string
  /** One line for the list of benchmarks. */
  readonly about: string
  run(lab: TestLab): Promise<readonly Row[]>
}

/** The network of ours that all benchmarks use. */
export const network = { name: 'bench', subnet: '20.1.0.0/16', gateway: '20.1.255.254' } as const

const node = process.execPath

/** Runs bench/inside/<program>.ts in a host and gives back the JSON document that it prints. */
export async function measureInside<T>(
  lab: TestLab,
  host: string,
  program: string,
  args: readonly (string | number)[],
  prefix: readonly string[] = [],
): Promise<T> {
  const file = fileURLToPath(new URL(`inside/${program}.ts`, import.meta.url))
  const argv = [...prefix, node, '--disable-warning=ExperimentalWarning', file, ...args.map(String)]
  // Both sides are ours, so the shape of the document is what the program's exported type says.
  return JSON.parse(await lab.execOk(host, argv, { timeoutMs: 300_000 })) as T
}

/** Runs the subjects in turn, round after round, in an order that turns too: what disturbs one disturbs the others. */
export async function interleaved<Name extends string, T>(
  rounds: number,
  subjects: Readonly<Record<Name, () => Promise<T>>>,
): Promise<Readonly<Record<Name, readonly T[]>>> {
  const names = Object.keys(subjects) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, T[]>
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length]
      if (name !== undefined) results[name].push(await subjects[name]())
    }
  }
  return results
}
