// The cluster as it was asked for and answered: what runs, which objects there are. Asks by REST from the underlay, which no
// partition between hosts cuts off, at one master after the other until one answers.

import type { CommandResult } from '../../src/lib/command.ts'
import { asError } from '../../src/lib/errors.ts'
import { type Container, inspectContainer } from '../support/containers.ts'
import type { TestLab } from '../support/lab.ts'
import type { Numbers } from '../support/numbers.ts'

export interface Answer {
  /** 0: nobody answered. */
  readonly status: number
  readonly body: string
}

export const hosts = ['node1', 'node2', 'node3'] as const
export type HostName = (typeof hosts)[number]
const masters = ['10.77.0.1:9999', '10.77.0.2:9999', '10.77.0.3:9999']

export const guard = { network: 'red', group: 'web', policy: 'guard', rule: 'closed' }
export const deniedPort = 81

export class Cluster {
  readonly #lab: TestLab
  readonly #chance: Numbers
  readonly containers = new Map<string, Container>()
  /** Path by key of what was answered to be there; what was answered to be gone is not. */
  readonly intents = new Map<string, string>()
  /** Asked for without an answer: either may be. */
  readonly #unsure = new Map<string, string>()
  /** Host by name of containers that are to go. */
  readonly #left = new Map<string, string>()
  isClosed = false
  #next = 1

  constructor(lab: TestLab, chance: Numbers) {
    this.#lab = lab
    this.#chance = chance
  }

  async ask(method: string, path: string, body?: object, at: readonly string[] = masters): Promise<Answer> {
    let last: Answer = { status: 0, body: '' }
    for (const master of at) {
      const data = body === undefined ? [] : ['-H', 'content-type: application/json', '-d', JSON.stringify(body)]
      const write = ['-X', method, '-w', '\n%{http_code}', ...data, `http://${master}${path}`]
      const { stdout } = await this.#lab.exec('underlay', ['curl', '-sS', '--max-time', '4', ...write])
      const lines = stdout.trimEnd().split('\n')
      last = { status: Number(lines.pop() ?? 0), body: lines.join('\n') }
      if (last.status !== 0 && last.status !== 503) return last
    }
    return last
  }

  /** What stays: a network, and a group with a policy whose one rule comes and goes. */
  async setUp(): Promise<void> {
    const tenantName = 'default'
    const { network, group, policy } = guard
    const red = { tenantName, networkName: network, subnet: '10.1.0.0/20', gateway: '10.1.15.254' }
    await this.#put(`/api/v1/networks/default:${network}/`, red)
    await this.#put(`/api/v1/policys/default:${policy}/`, { tenantName, policyName: policy })
    const body = { tenantName, groupName: group, networkName: network, policies: [policy] }
    await this.#put(`/api/v1/endpointGroups/default:${group}/`, body)
    if (this.intents.size < 3) throw new Error('the cluster could not be set up')
    await this.untilNetworks([network, `${group}.${network}`])
  }

  /** Docker has them everywhere. */
  async untilNetworks(wanted: readonly string[]): Promise<void> {
    for (const host of hosts) {
      await this.#lab.until(`the networks on ${host}`, async () => {
        const { stdout } = await this.#lab.exec(host, "docker network ls --format '{{.Name}}'")
        return wanted.every((name) => stdout.split('\n').includes(name)) || undefined
      })
    }
  }

  /** One thing that a person or an orchestrator does; answers what, in words. */
  async act(): Promise<string> {
    const dice = this.#chance.fraction()
    if (dice < 0.4 || this.containers.size < 3) return this.run()
    if (dice < 0.65) return this.stop(this.#chance.pick([...this.containers.keys()]))
    if (dice < 0.8) return this.setRule(!this.intents.has(this.#rulePath))
    return this.#toggleNetwork()
  }

  async run(host: HostName = this.#chance.pick(hosts)): Promise<string> {
    const network = this.#chance.pick([guard.network, `${guard.group}.${guard.network}`])
    if (this.containers.size >= 9) return this.stop(this.#chance.pick([...this.containers.keys()]))
    const name = `c${this.#next++}`
    const refused = await this.#start(name, host, network)
    return refused ?? `${name} starts on ${host} in ${network}`
  }

  /** Where nothing is wrong. Throws when it does not start. */
  async start(host: HostName, network: string): Promise<Container> {
    const name = `c${this.#next++}`
    const refused = await this.#start(name, host, network)
    const container = this.containers.get(name)
    if (container === undefined) throw new Error(refused)
    return container
  }

  /** Answers why it does not start. */
  async #start(name: string, host: string, network: string): Promise<string | undefined> {
    const options = ['-d', '--name', name, '--net', network, '--restart', 'always']
    const run = ['docker', 'run', ...options, 'busybox', 'sleep', '1d']
    const { code, stderr } = await this.#docker(host, run)
    if (code !== 0) {
      await this.#remove(name, host)
      return `${name} did not start on ${host}: ${stderr.trim().split('\n').at(-1)?.slice(0, 120)}`
    }
    const container = await inspectContainer(this.#lab, { name, host, network }).catch(() => undefined)
    if (container === undefined || container.ipv4 === '') {
      await this.#remove(name, host)
      return `${name} started on ${host}, and Docker died`
    }
    this.containers.set(name, container)
    return undefined
  }

  /** A Docker that was killed starts its containers again: with other processes, perhaps with other addresses. */
  async refresh(host: string): Promise<true | undefined> {
    for (const [name, container] of this.containers) {
      if (container.host !== host) continue
      const now = await inspectContainer(this.#lab, container)
      if (now.pid === 0 || now.ipv4 === '') return undefined
      this.containers.set(name, now)
    }
    return true
  }

  async stop(name: string): Promise<string> {
    const container = this.containers.get(name)
    if (container === undefined) return 'nothing to stop'
    this.containers.delete(name)
    await this.#remove(name, container.host)
    return `${name} on ${container.host} is removed`
  }

  /** A Docker that was killed could not remove them, and starts them again. */
  async removeLeft(): Promise<true | undefined> {
    for (const [name, host] of this.#left) await this.#remove(name, host)
    return this.#left.size === 0 || undefined
  }

  /** Docker waits without end for a netplugin that is stopped. */
  #docker(host: string, command: readonly string[]): Promise<Pick<CommandResult, 'code' | 'stderr'>> {
    return this.#lab
      .exec(host, command, { timeoutMs: 25_000 })
      .catch((error: unknown) => ({ code: 1, stderr: asError(error).message }))
  }

  async #remove(name: string, host: string): Promise<void> {
    const { code, stderr } = await this.#docker(host, ['docker', 'rm', '-f', name])
    if (code === 0 || stderr.includes('No such container')) this.#left.delete(name)
    else this.#left.set(name, host)
  }

  /** What nobody answered is looked up when all works again. */
  async settleIntents(): Promise<void> {
    for (const [path, label] of this.#unsure) {
      const { status } = await this.ask('GET', path)
      if (status === 200) this.intents.set(path, label)
      else if (status === 404) this.intents.delete(path)
      else throw new Error(`${path} cannot be looked up: ${status}`)
    }
    this.#unsure.clear()
    this.isClosed = this.intents.has(this.#rulePath)
  }

  /** Of answered intents, those that a master does not have, and those it has although they were answered to be gone. */
  async lostIntents(): Promise<string[]> {
    const wrong: string[] = []
    for (const master of masters) {
      for (const path of this.intents.keys()) {
        const { status } = await this.ask('GET', path, undefined, [master])
        if (status !== 200) wrong.push(`${master} answers ${status} to ${path}`)
      }
      const { body } = await this.ask('GET', '/api/v1/networks/', undefined, [master])
      for (const key of keysIn(body)) {
        if (!this.intents.has(`/api/v1/networks/${key}/`)) wrong.push(`${master} has network ${key}, which was removed`)
      }
    }
    return wrong
  }

  get #rulePath(): string {
    return `/api/v1/rules/default:${guard.policy}:${guard.rule}/`
  }

  async setRule(isClosed: boolean): Promise<string> {
    const { policy, rule } = guard
    const fixed = { tenantName: 'default', policyName: policy, ruleId: rule, direction: 'in', action: 'deny' }
    const body = { ...fixed, protocol: 'tcp', port: deniedPort }
    const answer = await (isClosed ? this.#put(this.#rulePath, body) : this.#delete(this.#rulePath))
    this.isClosed = this.intents.has(this.#rulePath)
    return answer
  }

  async #toggleNetwork(): Promise<string> {
    const number = 1 + this.#chance.below(4)
    const path = `/api/v1/networks/default:net${number}/`
    if (this.intents.has(path)) return this.#delete(path)
    const subnet = `10.2.${number}.0/24`
    return this.#put(path, { tenantName: 'default', networkName: `net${number}`, subnet, gateway: '' })
  }

  async #put(path: string, body: object): Promise<string> {
    const { status } = await this.ask('POST', path, body)
    if (status === 200) this.intents.set(path, path)
    else this.#unsure.set(path, path)
    return `put ${path}: ${status}`
  }

  async #delete(path: string): Promise<string> {
    const { status } = await this.ask('DELETE', path)
    if (status === 200 || status === 404) this.intents.delete(path)
    else this.#unsure.set(path, path)
    return `delete ${path}: ${status}`
  }
}

function keysIn(body: string): string[] {
  try {
    return (JSON.parse(body) as { key: string }[]).map(({ key }) => key)
  } catch (error) {
    throw new Error(`networks could not be read: ${asError(error).message}`)
  }
}
