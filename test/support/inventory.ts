// What a lab holds at one moment, for tests that nothing is left behind: links, ports, flows, Docker's networks and
// containers of each host, and what netmaster has of networks, addresses and endpoints.

import assert from 'node:assert/strict'
import type { TestLab } from './lab.ts'

/** Links and ports without those that wait for an endpoint, as long as there are no more of them than there may be. */
export interface HostInventory {
  readonly links: readonly string[]
  /** Of the far namespace, which stays. */
  readonly farLinks: readonly string[]
  /** Of the integration bridge. */
  readonly ports: readonly string[]
  /** Without counters and numbers of ports; `ours` in place of the mark of netplugin. */
  readonly flows: readonly string[]
  /** Without numbers. */
  readonly meters: readonly string[]
  /** `name driver`. */
  readonly dockerNetworks: readonly string[]
  readonly containers: readonly string[]
}

export interface NetworkInventory {
  readonly allocated: string
  readonly available: string
}

export interface Inventory {
  readonly hosts: Readonly<Record<string, HostInventory>>
  /** By key, `tenant:network`. */
  readonly networks: Readonly<Record<string, NetworkInventory>>
  /** `container node address…`. */
  readonly endpoints: readonly string[]
  readonly groups: readonly string[]
  readonly tenants: readonly string[]
}

const separator = '-----'

const look = [
  'ip -o link',
  'ip -n netplugin -o link',
  'ovs-vsctl list-ports np-int | sort',
  "ovs-ofctl --names --no-stats dump-flows np-int | sed -E 's/^ *//' | sort",
  'ovs-ofctl -O OpenFlow14 dump-meters np-int | grep rate=',
  "docker network ls --format '{{.Name}} {{.Driver}}' | sort",
  "docker ps -a --format '{{.Names}}' | sort",
].join(`; echo ${separator}; `)

export async function hostInventory(lab: TestLab, host: string): Promise<HostInventory> {
  const parts = (await lab.execOk(host, look)).split(`${separator}\n`)
  const [shown = [], far = [], allPorts = [], flows = [], meters = [], dockerNetworks = [], containers = []] =
    parts.map((part) => part.split('\n').filter((line) => line !== ''))
  const waiting = waitingPairs(shown, far)
  const isTaken = (name: string) => !waiting.has(name)
  const [links = [], farLinks = []] = [shown, far].map((lines) => lines.map(linkName).filter(isTaken).sort())
  const ports = allPorts.filter(isTaken)
  return { links, farLinks, ports, flows: flows.map(withoutPortNumbers).sort(), meters, dockerNetworks, containers }
}

/** `1: lo: <…`, `7: vp3x@np3x: <…`. */
function linkName(line: string): string {
  return /^\d+: ([^:@]+)/.exec(line)?.[1] ?? line
}

/** How many ports netplugin makes in advance when not told otherwise; as many again may wait that endpoints of CNI gave back. */
const reserved = 16

/** Names of both ends of the pairs that wait for endpoints, no more than there may be. */
function waitingPairs(shown: readonly string[], far: readonly string[]): ReadonlySet<string> {
  const withAlias = (lines: readonly string[], alias: string) =>
    lines.filter((line) => line.trimEnd().endsWith(`alias ${alias}`)).map(linkName)
  const ports = withAlias(shown, 'netplugin:reserve').slice(0, reserved)
  const ends = withAlias(far, 'netplugin:reserve:cni').slice(0, 2 * reserved)
  return new Set([
    ...ports.flatMap((name) => [name, name.replace(/^vp/, 'np')]),
    ...ends.flatMap((name) => [name, name.replace(/^np/, 'vp')]),
  ])
}

/** A port that is made again may have another number, which is in its flows and so in their hashes. */
function withoutPortNumbers(flow: string): string {
  return flow
    .replace(/^cookie=0x6e70[0-9a-f]+/, 'ours')
    .replace(/load:0x[0-9a-f]+->NXM_NX_REG3/, 'load:PORT->NXM_NX_REG3')
    .replace(/nw_dst=172\.19\.\d+\.\d+/, 'nw_dst=PORT')
    .replace(/ipv6_dst=fd6e:7000:0:ac13::[0-9a-f]+(?!\/)\b/, 'ipv6_dst=PORT')
    .replace(/(nw_dst|nat\(src)=198\.18\.\d+\.\d+(?![\d/])/, '$1=PORT')
    .replace(/\breg3=0x[0-9a-f]+\b/, 'reg3=PORT')
}

/** What netmaster answers to a GET, as node1 reads it. */
export async function ask<T>(lab: TestLab, path: string): Promise<T> {
  return JSON.parse(await lab.execOk('node1', ['curl', '-sSf', '--max-time', '5', `http://netmaster:9999${path}`])) as T
}

export async function networkInventory(lab: TestLab, key: string): Promise<NetworkInventory> {
  const { Oper } = await ask<{ Oper: { allocatedIPAddresses?: string; availableIPAddresses?: string } }>(
    lab,
    `/api/v1/inspect/networks/${key}/`,
  )
  return { allocated: Oper.allocatedIPAddresses ?? '', available: Oper.availableIPAddresses ?? '' }
}

export interface Endpoint {
  readonly endpointID: string
  readonly containerName?: string
  readonly homingHost: string
  readonly ipAddress: readonly string[]
  readonly network: string
}

export const endpoints = (lab: TestLab) => ask<readonly Endpoint[]>(lab, '/api/v1/endpoints/')

export async function takeInventory(lab: TestLab, hosts: readonly string[]): Promise<Inventory> {
  const keysOf = async (objects: string) =>
    (await ask<readonly { key: string }[]>(lab, `/api/v1/${objects}/`)).map(({ key }) => key).sort()
  const [held, found, groups, tenants, keys] = await Promise.all([
    Promise.all(hosts.map(async (host) => [host, await hostInventory(lab, host)] as const)),
    endpoints(lab),
    keysOf('endpointGroups'),
    keysOf('tenants'),
    keysOf('networks'),
  ])
  const networks: Record<string, NetworkInventory> = {}
  for (const key of keys) networks[key] = await networkInventory(lab, key)
  const named = found.map(({ containerName = '', homingHost, ipAddress }) =>
    [containerName, homingHost, ...ipAddress].join(' '),
  )
  return { hosts: Object.fromEntries(held), networks, endpoints: named.sort(), groups, tenants }
}

/**
 * What a lab holds once nothing moves any more: twice the same, with one port for each endpoint, and all ports made in
 * advance, since the userspace switch loses a packet now and then while a port comes.
 */
export async function settledInventory(lab: TestLab, hosts: readonly string[]): Promise<Inventory> {
  let last: Inventory | undefined
  return lab.until('the lab to settle', async () => {
    for (const host of hosts) {
      const { stdout } = await lab.exec(host, 'ip -o link | grep -cw "netplugin:reserve *$"')
      if (Number(stdout) < reserved) return undefined
    }
    const previous = last
    last = await takeInventory(lab, hosts)
    const ports = Object.values(last.hosts).flatMap((host) => host.ports.filter((port) => port.startsWith('vp')))
    // The host's own endpoints, called as it is, have a port of another name.
    const here = last.endpoints.filter((line) =>
      hosts.some((host) => line.includes(` netplugin-${host} `) && !line.startsWith(`netplugin-${host} `)),
    )
    return previous !== undefined && isSame(previous, last) && ports.length === here.length ? last : undefined
  })
}

/** Waits until the lab holds again what it held, and shows the difference when it does not. */
export async function untilAsBefore(lab: TestLab, before: Inventory, timeoutMs = 15_000): Promise<void> {
  const hosts = Object.keys(before.hosts)
  let seen: Inventory | undefined
  try {
    await lab.until(
      'the lab to be as before',
      async () => {
        seen = await takeInventory(lab, hosts)
        return isSame(seen, before) || undefined
      },
      timeoutMs,
    )
  } catch (error) {
    assert.deepEqual(seen, before)
    throw error
  }
}

function isSame(a: Inventory, b: Inventory): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
