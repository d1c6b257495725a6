// What a command line of netdcli works with: the connection to netmaster, files, and where to print.

import type { Route } from '../api/route.ts'
import { fillPath } from '../api/route.ts'
import { nodeRoutes } from '../api/routes/nodes.ts'
import { serviceRoutes } from '../api/routes/service.ts'
import type { Transport } from '../api/transport.ts'
import { listed, whenApplied } from '../api/when-applied.ts'
import type { Clock } from '../lib/clock.ts'
import type { IntentAnswer } from '../model/intent-answer.ts'

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** The text of a file; `-` is standard input. */
  readonly readText: (file: string) => Promise<string>
  readonly clock: Clock
  readonly connect: (options: { readonly url: string; readonly insecure: boolean }) => Promise<Transport>
}

export interface SessionOptions {
  readonly url: string
  readonly insecure: boolean
  readonly debug: boolean
  /** Seconds that a change waits for the hosts. */
  readonly wait: number
}

export class Session {
  readonly #options: SessionOptions
  readonly #around: Surroundings
  #transport: Promise<Transport> | undefined

  constructor(options: SessionOptions, around: Surroundings) {
    this.#options = options
    this.#around = around
  }

  /** Connects on first use. */
  async ask<Input, Body, Answer>(
    route: Route<Input, Body, Answer>,
    parameters: Readonly<Record<string, string>>,
    body: Input,
  ): Promise<Answer> {
    if (this.#options.debug) {
      const sent = body === undefined ? '' : ` ${JSON.stringify(body)}`
      this.#around.err(`${route.method} ${fillPath(route.path, parameters)}${sent}\n`)
    }
    this.#transport ??= this.#around.connect(this.#options)
    return (await this.#transport).call(route, parameters, body)
  }

  /** Returns when every live node has what was stored, or patience is over: then a note names those that lag. */
  async settle(): Promise<void> {
    const { wait } = this.#options
    const transport = await this.#transport
    if (transport === undefined || wait === 0) return
    const progress = {
      revision: async (signal: AbortSignal) =>
        (await transport.call(serviceRoutes.health, {}, undefined, signal)).revision,
      applied: (revision: number, signal: AbortSignal) =>
        transport.call(nodeRoutes.applied, { revision: String(revision) }, undefined, signal),
    }
    const options = { patienceMs: wait * 1000, onLag: () => {} }
    const lagging = await whenApplied(progress, options, { clock: this.#around.clock })
    if (lagging.length > 0) this.note(`stored, but not yet in force on ${listed(lagging)}`)
  }

  readText(file: string): Promise<string> {
    return this.#around.readText(file)
  }

  print(text: string): void {
    this.#around.out(text)
  }

  note(text: string): void {
    this.#around.err(`note: ${text}\n`)
  }

  /** Two-space indented. */
  printJson(value: unknown): void {
    this.print(`${JSON.stringify(value, null, 2)}\n`)
  }

  /** One line for each change. */
  printAnswer({ changes, kept, notes }: IntentAnswer): void {
    for (const { action, kind, key } of changes) this.print(`${action} ${kind} ${key}\n`)
    for (const { kind, key, why } of kept) this.print(`kept ${kind} ${key}: ${why}\n`)
    if (changes.length === 0 && kept.length === 0) this.print('nothing to change\n')
    for (const note of notes) this.note(note)
  }

  async close(): Promise<void> {
    ;(await this.#transport?.catch(() => undefined))?.close()
  }
}
