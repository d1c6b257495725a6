// One host: its disk, its Docker, what it forwards, and an agent that may die and start again.

import { AgentSide, type HostParts } from './agent.ts'
import { MasterClient } from './client.ts'
import { Docker, engineOf } from './docker.ts'
import type { Master } from './master.ts'
import { Process } from './process.ts'
import type { Place, Wire } from './wire.ts'
import type { World } from './world.ts'

export class Host {
  readonly node: string
  readonly docker: Docker
  readonly #world: World
  readonly #wire: Wire
  readonly #masters: readonly Place<Master>[]
  #boots = 1
  parts: HostParts
  agent: { readonly process: Process; readonly agent: AgentSide } | undefined

  constructor(index: number, world: World, wire: Wire, masters: readonly Place<Master>[]) {
    this.node = `node${index}`
    this.#world = world
    this.#wire = wire
    this.#masters = masters
    this.docker = new Docker(this.node, world, () => this.agent)
    this.parts = { node: this.node, index, bootId: `${this.node}-1`, disk: new Map(), inForce: undefined }
    this.start()
  }

  start(): void {
    if (this.agent?.process.isAlive === true) return
    this.#world.tell(`the agent of ${this.node} starts`)
    const process = new Process(`the agent of ${this.node}`, this.#world)
    const masters = new MasterClient({ name: this.node, process }, this.#masters, this.#wire)
    const runtime = engineOf(this.docker.runtime, process)
    this.agent = { process, agent: new AgentSide(this.parts, process, { masters, runtime }) }
  }

  /** Power off and on: what was not on disk is gone. */
  reboot(): void {
    this.#world.tell(`${this.node} is switched off`)
    this.agent?.process.die()
    this.docker.reboot()
    this.parts = { ...this.parts, bootId: `${this.node}-${++this.#boots}`, inForce: undefined }
  }
}
