// What hosts have counted, asked when somebody wants to know: the question goes down a node's stream, the answer comes as a
// request of its own. Nothing is kept here.

import type { Writable } from 'node:stream'
import { costOfRules, usersByHost } from '../core/cost/policy-cost.ts'
import { appendTo } from '../lib/append.ts'
import type { Clock } from '../lib/clock.ts'
import type { Problem } from '../lib/errors.ts'
import type { Count, Counted, CountsBody, HostCount, PolicyStatsAnswer } from '../model/counts.ts'
import type { StreamMessage } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { notFound } from './objects/object.ts'

/** A node that does not answer within this is left out. */
const patienceMs = 3_000

interface Asked {
  readonly node: string
  readonly answer: (counts: readonly Count[]) => void
}

/** Asks nodes that follow other masters. */
type Elsewhere = (
  about: Counted,
  key: string,
  nodes: readonly string[],
) => Promise<ReadonlyMap<string, readonly Count[]>>

interface Deps {
  readonly clock: Clock
  /** Left out: there are no other masters. */
  readonly elsewhere?: Elsewhere
}

/** `firstId`: a node that goes to another master may answer there what it was asked here. */
export class Counts {
  readonly #clock: Clock
  readonly #streams = new Map<string, Writable>()
  readonly #asked = new Map<number, Asked>()
  readonly #elsewhere: Elsewhere
  #last: number

  constructor({ firstId }: { readonly firstId: number }, { clock, elsewhere = async () => new Map() }: Deps) {
    this.#last = firstId
    this.#clock = clock
    this.#elsewhere = elsewhere
  }

  /** Questions to the node go down this stream from now on, until the function that is answered is called. */
  opened(node: string, stream: Writable): () => void {
    this.#streams.set(node, stream)
    return () => {
      if (this.#streams.get(node) === stream) this.#streams.delete(node)
    }
  }

  /** Takes an answer; false: nobody waits for it any more. */
  answered(node: string, { id, counts }: CountsBody): boolean {
    const asked = this.#asked.get(id)
    if (asked?.node !== node) return false
    this.#asked.delete(id)
    asked.answer(counts)
    return true
  }

  /** What each of the nodes counted; undefined of those that did not answer. */
  async ask(
    nodes: readonly string[],
    about: Counted,
    key: string,
  ): Promise<ReadonlyMap<string, readonly Count[] | undefined>> {
    const away = nodes.filter((node) => !this.#streams.has(node))
    const [here, elsewhere] = await Promise.all([this.askHere(nodes, about, key), this.#elsewhere(about, key, away)])
    return new Map(nodes.map((node) => [node, here.get(node) ?? elsewhere.get(node)]))
  }

  /** The same of those that follow this master. */
  async askHere(
    nodes: readonly string[],
    about: Counted,
    key: string,
  ): Promise<ReadonlyMap<string, readonly Count[] | undefined>> {
    const over = new AbortController()
    const late = this.#clock.after(patienceMs, over.signal).catch(() => {})
    const answers = nodes.map(async (node) => [node, await this.#askOne(node, { about, key }, late)] as const)
    const all = new Map(await Promise.all(answers))
    over.abort()
    return all
  }

  async #askOne(
    node: string,
    question: { readonly about: Counted; readonly key: string },
    late: Promise<void>,
  ): Promise<readonly Count[] | undefined> {
    const stream = this.#streams.get(node)
    if (stream === undefined) return undefined
    const id = ++this.#last
    const message: StreamMessage = { type: 'ask', id, ...question }
    const answer = new Promise<readonly Count[]>((resolve) => this.#asked.set(id, { node, answer: resolve }))
    // Each message is one write: it comes between others, never into one.
    stream.write(`${JSON.stringify(message)}\n`)
    const counts = await Promise.race([answer, late.then(() => undefined)])
    this.#asked.delete(id)
    return counts
  }
}

/** What the rules of a policy have decided about, and what the connections carried that they allowed, on all hosts that have it. */
export async function policyStats(cluster: Cluster, counts: Counts, key: string): Promise<PolicyStatsAnswer | Problem> {
  const { view, revision } = cluster
  const policy = view.objects.policy.get(key)
  if (policy === undefined) return notFound('policy', key)
  const state = { ...view, revision }
  const users = usersByHost(state, policy)
  const rules = costOfRules(state, policy, new Map())
  const answers = await counts.ask([...users.keys()].sort(), 'policy', key)
  const found = new Map<string, HostCount[]>()
  for (const [host, counted] of answers) {
    for (const { key: rule, packets, bytes } of counted ?? []) appendTo(found, rule, { host, packets, bytes })
  }
  return {
    key,
    rules: rules.map(({ hosts: _, ...rule }) => {
      const hosts = found.get(rule.key) ?? []
      const sum = (what: 'packets' | 'bytes') => hosts.reduce((all, each) => all + each[what], 0)
      return { ...rule, packets: sum('packets'), bytes: sum('bytes'), hosts }
    }),
    silent: [...answers].filter(([, counted]) => counted === undefined).map(([host]) => host),
  }
}
