// Intents on a lab: loading them with netdcli, containers for them, and what they come to.

import assert from 'node:assert/strict'
import { type Container, startContainer } from './containers.ts'
import { ask } from './inventory.ts'
import type { TestLab } from './lab.ts'
import { silence, type Table } from './reachability.ts'

/** An endpoint as `GET /endpoints` shows it. */
export interface IntendedEndpoint {
  readonly endpointID: string
  readonly tenant: string
  readonly networkName: string
  readonly containerName: string
  /** Empty while no container has it. */
  readonly containerId: string
  readonly homingHost: string
  readonly ipAddress: string
  readonly macAddress: string
}

export type Verb = '-cfg' | '-add-cfg' | '-del-cfg' | '-host-bindings-cfg'

/** Loads a file of this machine, or a document by standard input. */
export function load(lab: TestLab, verb: Verb, what: string | object): Promise<string> {
  const [file, input] = typeof what === 'string' ? [what, ''] : ['-', JSON.stringify(what)]
  const command = ['netdcli', '-netmaster-url', 'http://netmaster:9999', verb, file]
  return lab.execOk('node1', command, { input })
}

/** Those of intents, sorted by id. */
export async function intended(lab: TestLab): Promise<readonly IntendedEndpoint[]> {
  const all = await ask<readonly (IntendedEndpoint & { readonly origin: string })[]>(lab, '/endpoints')
  return all.filter(({ origin }) => origin === 'intent').sort((a, b) => (a.endpointID < b.endpointID ? -1 : 1))
}

/** A container without a network of Docker's. */
export function startNamed(lab: TestLab, host: string, name: string, options: readonly string[] = []) {
  return startContainer(lab, {
    name,
    host,
    network: 'none',
    image: 'tools',
    options: ['--stop-signal', 'KILL', ...options],
  })
}

/** What interfaces a container has, as `eth0 10.1.1.1/24`. */
export async function interfacesOf(container: Container): Promise<readonly string[]> {
  const lines = (await container.sh('ip -o -4 addr show up scope global')).trim().split('\n')
  return lines.flatMap((line) => {
    const [, name = '', , address = ''] = line.trim().split(/\s+/)
    return line === '' ? [] : [`${name} ${address}`]
  })
}

/** Waits until every endpoint of an intent for these containers is an interface of its container, and no other is. */
export async function untilAttached(lab: TestLab, containers: readonly Container[]): Promise<void> {
  let told = ''
  const isAttached = async () => {
    const all = await intended(lab)
    for (const container of containers) {
      const own = all.filter((endpoint) => isFor(endpoint, container))
      const wanted = own.filter(({ containerId }) => containerId === container.id).map(({ ipAddress }) => ipAddress)
      const found = (await interfacesOf(container)).map((line) => line.replace(/^\S+ |\/.*$/g, ''))
      told = `${container.name}: ${own.length} endpoints, claimed ${wanted.join(' ')}, has ${found.join(' ')}`
      if (own.length !== wanted.length || wanted.toSorted().join() !== found.toSorted().join()) return undefined
    }
    return true
  }
  await lab.until('interfaces of intents', isAttached).catch((error: unknown) => {
    throw new Error(`${error instanceof Error ? error.message : error}: ${told}`)
  })
}

function isFor({ containerId, containerName, homingHost }: IntendedEndpoint, { id, name, host }: Container): boolean {
  return containerId === id || (containerName === name && homingHost.endsWith(host))
}

/** Who is to answer whom: endpoints of one network each other, and nobody else, where networks are bridged. */
export function expectedTable(containers: readonly Container[], all: readonly IntendedEndpoint[]): Table {
  const nameOf = new Map(containers.map(({ id, name }) => [id, name]))
  const here = all.filter(({ containerId }) => nameOf.has(containerId))
  const addresses = [...new Set(here.map(({ ipAddress }) => ipAddress))].sort()
  assert.ok(addresses.length > 0, 'there are endpoints')
  const networkOf = ({ tenant, networkName }: IntendedEndpoint) => `${tenant}:${networkName}`
  return new Map(
    containers.map(({ id, name }) => {
      const networks = new Set(here.filter(({ containerId }) => containerId === id).map(networkOf))
      const answer = (address: string) => {
        const holder = here.find((each) => each.ipAddress === address && networks.has(networkOf(each)))
        return (holder && nameOf.get(holder.containerId)) ?? silence
      }
      return [name, new Map(addresses.map((address) => [address, answer(address)]))]
    }),
  )
}
