// People who write and read objects through whichever master, and what they saw.

import { netprofileRoutes } from '../../src/api/routes/netprofiles.ts'
import { networkRoutes } from '../../src/api/routes/networks.ts'
import type { ObjectRoutes } from '../../src/api/routes/object.ts'
import { ruleRoutes } from '../../src/api/routes/rules.ts'
import { asNetpluginError } from '../../src/lib/errors.ts'
import { isLinearizable, type Operation, type Value } from './linearizable.ts'
import type { Master } from './master.ts'
import type { Place, Wire } from './wire.ts'
import type { World } from './world.ts'

/** What of an object is looked at, and how it is written. */
interface Subject {
  readonly key: string
  readonly routes: ObjectRoutes<object, unknown, object, unknown>
  readonly body: (value: number) => object
  readonly shown: (view: object) => Value
  /** Answers that say nothing about the object. */
  readonly refusals: readonly string[]
}

const tenantName = 'default'

export const networkBody = (networkName: string) => ({
  tenantName,
  networkName,
  // Few addresses, so that they are used again and again.
  subnet: `10.1.${networkName.slice(1)}.0/28`,
  gateway: `10.1.${networkName.slice(1)}.14`,
})

function profile(profileName: string): Subject {
  return {
    key: `${tenantName}:${profileName}`,
    routes: netprofileRoutes as unknown as Subject['routes'],
    body: (value) => ({ tenantName, profileName, DSCP: value }),
    shown: (view) => ('DSCP' in view ? String(view.DSCP) : '0'),
    refusals: [],
  }
}

function rule(ruleId: string): Subject {
  const fixed = { tenantName, policyName: 'pol', ruleId, direction: 'in', action: 'deny', protocol: 'tcp' }
  return {
    key: `${tenantName}:pol:${ruleId}`,
    routes: ruleRoutes as unknown as Subject['routes'],
    body: (value) => ({ ...fixed, port: value }),
    shown: (view) => ('port' in view ? String(view.port) : '0'),
    refusals: [],
  }
}

function network(networkName: string): Subject {
  return {
    key: `${tenantName}:${networkName}`,
    routes: networkRoutes as unknown as Subject['routes'],
    body: () => networkBody(networkName),
    shown: () => 'there',
    refusals: ['NETWORK_HAS_ENDPOINTS'],
  }
}

const subjects = [profile('p0'), profile('p1'), rule('r0'), rule('r1'), network('n1'), network('n2')]
/** A checker that knows of more is slow. */
const maxOperations = 24

export class Users {
  readonly #world: World
  readonly #wire: Wire
  readonly #masters: readonly Place<Master>[]
  readonly #histories = new Map<string, Operation[]>(subjects.map(({ key }) => [key, []]))
  #next = 1
  busy = 0

  constructor(world: World, wire: Wire, masters: readonly Place<Master>[]) {
    this.#world = world
    this.#wire = wire
    this.#masters = masters
  }

  /** One request of one of them; resolves when it is answered, or given up. */
  async act(): Promise<void> {
    const { chance } = this.#world
    const subject = chance.pick(subjects)
    if ((this.#histories.get(subject.key)?.length ?? 0) >= maxOperations) return
    const dice = chance.fraction()
    if (dice < 0.45) await this.#write(subject, 1 + (this.#next++ % 63))
    else if (dice < 0.65) await this.#write(subject, null)
    else await this.read(subject)
  }

  /** Everybody looks at everything. */
  async readAll(): Promise<void> {
    for (const subject of subjects) await this.read(subject)
  }

  /** Keys of objects whose history cannot be. */
  impossible(): string[] {
    return [...this.#histories]
      .filter(([, history]) => !isLinearizable(history))
      .map(([key, history]) => `${key}: ${history.map(describe).join(', ')}`)
  }

  async #write(subject: Subject, value: number | null): Promise<void> {
    const { key, routes, body, shown, refusals } = subject
    const asked = this.#world.now
    const written: Value = value === null ? null : shown(body(value))
    try {
      await this.#request<unknown>((master) =>
        value === null ? master.call(routes.remove, { key }) : master.call(routes.put, { key }, body(value)),
      )
      this.#note(key, { kind: 'write', value: written, asked, answered: this.#world.now })
    } catch (error) {
      const { code, kind, retryable, message } = asNetpluginError(error)
      if (retryable) this.#note(key, { kind: 'write', value: written, asked, answered: Number.POSITIVE_INFINITY })
      else if (kind === 'not-found' && value === null) {
        this.#note(key, { kind: 'read', value: null, asked, answered: this.#world.now })
      } else if (!refusals.includes(code)) throw new Error(`${key} was refused: ${code} ${message}`)
    }
  }

  async read({ key, routes, shown }: Subject): Promise<void> {
    const asked = this.#world.now
    try {
      const view = await this.#request((master) => master.call(routes.get, { key }))
      this.#note(key, { kind: 'read', value: shown(view), asked, answered: this.#world.now })
    } catch (error) {
      const { kind, retryable, code } = asNetpluginError(error)
      if (kind === 'not-found') this.#note(key, { kind: 'read', value: null, asked, answered: this.#world.now })
      else if (!retryable) throw new Error(`${key} could not be read: ${code}`)
    }
  }

  async #request<T>(ask: (master: Master) => Promise<T>): Promise<T> {
    const master = this.#world.chance.pick(this.#masters)
    this.busy++
    try {
      return await this.#wire.request({ name: 'users' }, master, ask, { timeoutMs: 4_000 })
    } finally {
      this.busy--
    }
  }

  #note(key: string, operation: Operation): void {
    this.#histories.get(key)?.push(operation)
    this.#world.tell(`${key} ${describe(operation)}`)
  }
}

function describe({ kind, value, asked, answered }: Operation): string {
  const at = (time: number) => ((time - 1_700_000_000_000) / 1000).toFixed(3)
  const end = answered === Number.POSITIVE_INFINITY ? '?' : at(answered)
  return `${kind} ${value} ${at(asked)}-${end}`
}
