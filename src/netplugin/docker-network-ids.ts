// Docker calls networks by ids of its own. They are learnt when Docker creates one, kept on disk, and asked of the engine
// only when neither knows: a driver call that waits for an engine that is starting would wait for itself.

import type { Runtime } from '../drivers/runtime/runtime.ts'
import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { Files } from '../lib/files.ts'
import { within } from '../lib/within.ts'
import { JsonFile } from './json-file.ts'
import { type NetworkRef, refFromOptions } from './network-ref.ts'

const askEngineMs = 2_000

export class DockerNetworkIds {
  readonly #file: JsonFile<Readonly<Record<string, NetworkRef>>>
  readonly #runtime: Runtime
  readonly #clock: Clock
  readonly #driver: string
  readonly #refs: Map<string, NetworkRef>

  /** `files`: left out, those of the machine. */
  constructor(
    options: { readonly path: string; readonly driver: string },
    deps: { readonly runtime: Runtime; readonly clock: Clock; readonly files?: Files },
  ) {
    this.#file = new JsonFile(options.path, deps.files)
    this.#driver = options.driver
    this.#runtime = deps.runtime
    this.#clock = deps.clock
    this.#refs = parseRefs(this.#file.read())
  }

  has(networkId: string): boolean {
    return this.#refs.has(networkId)
  }

  /** Undefined for networks of others, and for ones of ours that are not known yet. */
  get(networkId: string): NetworkRef | undefined {
    return this.#refs.get(networkId)
  }

  async learn(networkId: string, ref: NetworkRef): Promise<void> {
    this.#refs.set(networkId, ref)
    await this.#save()
  }

  async forget(networkId: string): Promise<void> {
    if (this.#refs.delete(networkId)) await this.#save()
  }

  async resolve(networkId: string, signal: AbortSignal): Promise<NetworkRef> {
    const known = this.#refs.get(networkId)
    if (known !== undefined) return known
    const ask = (limit: AbortSignal) => this.#runtime.networks({ driver: this.#driver }, limit).catch(() => [])
    for (const network of await within(askEngineMs, { clock: this.#clock, signal }, ask)) {
      const ref = refFromOptions(network.options)
      if (ref !== undefined) this.#refs.set(network.id, ref)
    }
    const found = this.#refs.get(networkId)
    if (found === undefined) {
      throw new NetpluginError(
        'not-found',
        'DOCKER_NETWORK_UNKNOWN',
        `Docker's network ${networkId.slice(0, 12)} is not one that netplugin made; remove it with 'docker network rm' and ` +
          "create the network with 'netctl network create'",
      )
    }
    await this.#save()
    return found
  }

  #save(): Promise<void> {
    return this.#file.write(Object.fromEntries(this.#refs))
  }
}

/** What this version wrote itself; anything else is as good as not being there. */
function parseRefs(saved: unknown): Map<string, NetworkRef> {
  const refs = new Map<string, NetworkRef>()
  if (typeof saved !== 'object' || saved === null) return refs
  for (const [id, ref] of Object.entries(saved)) if (isRef(ref)) refs.set(id, ref)
  return refs
}

function isRef(value: unknown): value is NetworkRef {
  if (typeof value !== 'object' || value === null) return false
  const { tenant, network, group } = value as Readonly<Record<string, unknown>>
  return [tenant, network, group].every((part) => typeof part === 'string')
}
