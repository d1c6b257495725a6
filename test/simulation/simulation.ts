// One run: a cluster is set up, people and Dockers do things while programs die and networks break, then everything works
// again, and what must hold is looked at.

import { endpointGroupRoutes } from '../../src/api/routes/endpoint-groups.ts'
import { networkRoutes } from '../../src/api/routes/networks.ts'
import { policyRoutes } from '../../src/api/routes/policies.ts'
import { MemoryStore } from '../../src/drivers/store/memory.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { asNetpluginError } from '../../src/lib/errors.ts'
import { notGivenBack, twice, whatIsWrong } from './checks.ts'
import { Host } from './host.ts'
import { Master } from './master.ts'
import { Process } from './process.ts'
import { DistantStore, embedded, type StoreFaults } from './store.ts'
import { networkBody, Users } from './users.ts'
import { type Place, Wire } from './wire.ts'
import { World } from './world.ts'

export interface Outcome {
  /** Empty: all is well. */
  readonly wrong: readonly string[]
  readonly story: readonly string[]
  /** Things that happened: two runs of a seed have the same. */
  readonly happened: number
}

const activeMs = 10_000
/** Reservations last a minute, and are looked for each ten seconds. */
const settleMs = 150_000
const networks = ['n0', 'g0.n0', 'n1', 'n2']

export class Simulation {
  readonly #world: World
  readonly #wire: Wire
  readonly #store: MemoryStore
  readonly #isShared: boolean
  readonly #masters: Place<Master>[] = []
  readonly #hosts: Host[] = []
  readonly #users: Users
  readonly #wrong = new Set<string>()
  /** What was started last at each; it may not serve yet. */
  readonly #starting = new Map<Place<Master>, Process>()
  #instances = 0
  #isCalm = false

  constructor(seed: number) {
    const world = new World(seed)
    this.#world = world
    this.#wire = new Wire(world)
    const clock: Clock = {
      now: () => world.now,
      after: (ms) => new Promise((resolve) => void world.after(ms, resolve)),
    }
    const historyLimit = world.chance.chance(0.5) ? 60 : 100_000
    this.#store = new MemoryStore({ historyLimit }, { newEpoch: () => 'epoch', clock })
    const count = 1 + world.chance.below(3)
    this.#isShared = count > 1
    for (let at = 0; at < count; at++) this.#masters.push({ name: `m${at}`, current: undefined })
    this.#users = new Users(world, this.#wire, this.#masters)
    for (const place of this.#masters) this.#birth(place)
    for (let index = 1; index <= 2; index++) this.#hosts.push(new Host(index, world, this.#wire, this.#masters))
  }

  async run(): Promise<Outcome> {
    const world = this.#world
    try {
      this.#setUp()
      await world.runFor(2_000)
      this.#scheduleEverything()
      await world.runFor(activeMs)
      this.#calm()
      await this.#settle()
    } finally {
      world.end()
    }
    return { wrong: [...this.#wrong], story: world.story, happened: world.happened }
  }

  /** A netmaster starts where there is none; it may die before it is up. */
  #birth(place: Place<Master>): void {
    if (place.current?.process.isAlive === true || this.#starting.get(place)?.isAlive === true) return
    const world = this.#world
    const process = new Process(place.name, world)
    this.#starting.set(place, process)
    const options = { address: place.name, instance: `i${++this.#instances}`, isShared: this.#isShared }
    const faults: StoreFaults = this.#isShared
      ? { isCut: () => this.#wire.isCut(place.name, 'store'), lossShare: () => (this.#isCalm ? 0 : 0.02) }
      : embedded
    world.tell(`${place.name} starts as ${options.instance}`)
    const start = async () => {
      const store = new DistantStore(this.#store.another(), process, faults)
      const server = await Master.start(options, { process, store, wire: this.#wire, masters: this.#masters })
      if (process.isAlive) place.current = { process, server }
    }
    process.onDeath(() => world.after(this.#isCalm ? 0 : world.delay(1_500), () => this.#birth(place)))
    start().catch((error: unknown) => {
      world.tell(`${place.name} could not start: ${asNetpluginError(error).message}`)
      process.die()
    })
  }

  /** What is there from the beginning, and stays. */
  #setUp(): void {
    const tenantName = 'default'
    const make = async () => {
      const body = { tenantName, groupName: 'g0', networkName: 'n0', policies: ['pol'] }
      await this.#admin((master) => master.call(networkRoutes.put, { key: 'default:n0' }, networkBody('n0')))
      await this.#admin((master) =>
        master.call(policyRoutes.put, { key: 'default:pol' }, { tenantName, policyName: 'pol' }),
      )
      await this.#admin((master) => master.call(endpointGroupRoutes.put, { key: 'default:g0' }, body))
    }
    void this.#watched('set up', make)
  }

  async #admin(ask: (master: Master) => Promise<unknown>): Promise<void> {
    for (let tries = 0; tries < 50; tries++) {
      const place = this.#world.chance.pick(this.#masters)
      try {
        return void (await this.#wire.request({ name: 'users' }, place, ask, { timeoutMs: 2_000 }))
      } catch (error) {
        if (!asNetpluginError(error).retryable) throw error
        await new Promise<void>((resolve) => void this.#world.after(50, resolve))
      }
    }
    throw new Error('nothing could be set up')
  }

  #scheduleEverything(): void {
    const { chance } = this.#world
    const sometime = (happen: () => void) => this.#world.after(chance.fraction() * activeMs, happen)
    for (let n = 0; n < 30; n++) sometime(() => void this.#watched('users', () => this.#users.act()))
    for (let n = 0; n < 14; n++) sometime(() => this.#startContainer())
    for (let n = 0; n < 8; n++) sometime(() => this.#stopContainer())
    for (let n = 1 + chance.below(7); n > 0; n--) sometime(() => this.#trouble())
  }

  #startContainer(): void {
    const { chance } = this.#world
    const { docker } = chance.pick(this.#hosts)
    const name = chance.pick(networks)
    docker.run(name).then(
      (here) => {
        if (here === undefined) return
        this.#world.tell(`${here.containerId} runs with ${here.ipv4} in ${here.network}`)
        for (const wrong of twice(this.#hosts.flatMap((host) => [...host.docker.running.values()]))) {
          this.#wrong.add(wrong)
        }
      },
      (error: unknown) => this.#world.tell(`no container: ${asNetpluginError(error).code}`),
    )
  }

  #stopContainer(): void {
    const { chance } = this.#world
    const { docker } = chance.pick(this.#hosts)
    if (docker.running.size === 0) return
    const here = chance.pick([...docker.running.values()])
    this.#world.tell(`${here.containerId} stops`)
    void this.#watched('stop', () => docker.stop(here))
  }

  #trouble(): void {
    const { chance } = this.#world
    const host = chance.pick(this.#hosts)
    const place = chance.pick(this.#masters)
    const dice = chance.fraction()
    if (dice < 0.3) this.#killAgent(host)
    else if (dice < 0.55) place.current?.process.dieAfter(chance.below(15))
    else if (dice < 0.6) {
      host.reboot()
      this.#restart(host)
    } else if (dice < 0.75) this.#cut(host.node, place.name)
    else if (dice < 0.85) this.#cut('users', place.name)
    else if (dice < 0.95 && this.#isShared) this.#cut(place.name, 'store')
    else host.docker.runtime.setUp(false)
    host.docker.runtime.setUp(true)
  }

  #killAgent(host: Host): void {
    const process = host.agent?.process
    if (process?.isAlive !== true) return
    process.onDeath(() => this.#restart(host))
    process.dieAfter(this.#world.chance.below(15))
  }

  #restart(host: Host): void {
    this.#world.after(this.#isCalm ? 0 : this.#world.delay(1_500), () => host.start())
  }

  #cut(a: string, b: string): void {
    this.#wire.cut(a, b)
    this.#world.after(this.#world.chance.fraction() * 7_000, () => this.#wire.heal(a, b))
  }

  /** From now on everything works. */
  #calm(): void {
    this.#world.tell('everything works from now on')
    this.#isCalm = true
    this.#wire.healAll()
    for (const place of this.#masters) {
      place.current?.process.spare()
      this.#starting.get(place)?.spare()
      this.#birth(place)
    }
    for (const host of this.#hosts) {
      host.agent?.process.spare()
      host.start()
    }
  }

  async #settle(): Promise<void> {
    // Before hosts compare themselves with their Docker, which would make up for it.
    await this.#world.runFor(9_500)
    for (const each of await notGivenBack({ store: this.#store, hosts: this.#hosts })) this.#wrong.add(each)
    await this.#world.runFor(15_500)
    await this.#untilRead()
    let wrong: readonly string[] = []
    for (let ms = 0; ms < settleMs; ms += 5_000) {
      await this.#world.runFor(5_000)
      const servers = this.#masters.flatMap(({ current }) => (current?.process.isAlive ? [current.server] : []))
      wrong = await whatIsWrong({ store: this.#store, masters: servers, hosts: this.#hosts })
      if (servers.length < this.#masters.length) wrong = [...wrong, 'a master did not come back']
      const busy = this.#hosts.filter(({ docker }) => docker.busy > 0)
      if (busy.length > 0 || this.#users.busy > 0) wrong = [...wrong, 'something was never answered']
      if (wrong.length === 0) break
    }
    for (const each of [...wrong, ...this.#users.impossible()]) this.#wrong.add(each)
  }

  async #untilRead(): Promise<void> {
    let isRead = false
    void this.#watched('the last look', async () => {
      await this.#users.readAll()
      isRead = true
    })
    for (let tries = 0; tries < 40 && !isRead; tries++) await this.#world.runFor(1_000)
    if (!isRead) this.#wrong.add('the last look was not answered')
  }

  async #watched(what: string, happen: () => Promise<unknown>): Promise<void> {
    try {
      await happen()
    } catch (error) {
      this.#wrong.add(`${what}: ${asNetpluginError(error).message}`)
    }
  }
}
