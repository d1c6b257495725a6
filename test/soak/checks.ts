// What must be after each step: who reaches whom, by real packets; no address twice; nothing left behind; nothing forgotten.

import type { Container } from '../support/containers.ts'
import type { TestLab } from '../support/lab.ts'
import { namespaceOf } from '../support/policy-lab.ts'
import { type Probe, Prober, type Seat } from '../support/prober.ts'
import { type Cluster, deniedPort, guard, hosts } from './cluster.ts'

const ports = [80, deniedPort]
const services = [{ kind: 'icmp' as const, port: 0 }, ...ports.map((port) => ({ kind: 'tcp' as const, port }))]

/** Empty: all is as expected. */
export async function whatIsWrong(lab: TestLab, cluster: Cluster): Promise<string[]> {
  const wrong = [...twice(cluster), ...(await leftBehind(lab, cluster))]
  return wrong.length > 0 ? wrong : wrongWays(lab, cluster)
}

/** Addresses that two containers have. */
export function twice(cluster: Cluster): string[] {
  const holders = Map.groupBy(cluster.containers.values(), ({ ipv4 }) => ipv4)
  return [...holders].flatMap(([ipv4, names]) =>
    names.length < 2 ? [] : [`${names.map(({ name }) => name).join(' and ')} both have ${ipv4}`],
  )
}

/** Endpoints of netmaster, ports, links and containers of hosts that should not be there, or are missing. */
export async function leftBehind(lab: TestLab, cluster: Cluster): Promise<string[]> {
  const containers = [...cluster.containers.values()]
  const expected = containers.map(({ name, host, ipv4 }) => `${name} netplugin-${host} ${ipv4}`).sort()
  const { status, body } = await cluster.ask('GET', '/api/v1/endpoints/')
  if (status !== 200) return [`endpoints cannot be read: ${status}`]
  const found = (JSON.parse(body) as Endpoint[]).map(
    ({ containerName = '?', homingHost, ipAddress }) => `${containerName} ${homingHost} ${ipAddress[0]}`,
  )
  const wrong = difference('netmaster', found.sort(), expected)
  for (const host of hosts) {
    const here = containers.filter((container) => container.host === host)
    wrong.push(...difference(`Docker of ${host}`, await running(lab, host), here.map(({ name }) => name).sort()))
    const count = await endpointPorts(lab, host)
    if (count !== here.length) wrong.push(`${host} has ${count} ports for ${here.length} endpoints`)
  }
  return wrong
}

interface Endpoint {
  readonly containerName?: string
  readonly homingHost: string
  readonly ipAddress: readonly string[]
}

async function running(lab: TestLab, host: string): Promise<string[]> {
  const { stdout } = await lab.exec(host, "docker ps --format '{{.Names}}'")
  return stdout.split('\n').filter(Boolean).sort()
}

async function endpointPorts(lab: TestLab, host: string): Promise<number> {
  const links = `ip -o link | grep -o 'alias netplugin:.*' | grep -vc 'netplugin:reserve'`
  const { stdout } = await lab.exec(host, links)
  return Number(stdout.trim())
}

function difference(where: string, found: readonly string[], expected: readonly string[]): string[] {
  const extra = found.filter((each) => !expected.includes(each))
  const missing = expected.filter((each) => !found.includes(each))
  return [...extra.map((each) => `${where} has ${each}`), ...missing.map((each) => `${where} lacks ${each}`)]
}

/** Every container asks every other one by echo and by TCP; members of the guarded group are closed on one port while the rule is. */
export async function wrongWays(
  lab: TestLab,
  cluster: Cluster,
  among: (container: Container) => boolean = () => true,
): Promise<string[]> {
  const containers = [...cluster.containers.values()].filter(among)
  const seats = containers.map((container): Seat => {
    const { name, ipv4 } = container
    return { name, namespace: namespaceOf(lab, container), ipv4, ipv6: '' }
  })
  const prober = new Prober(seats, services)
  try {
    const guarded = `${guard.group}.${guard.network}`
    const probes = seats.flatMap((from) =>
      seats.flatMap((to, at) =>
        from === to
          ? []
          : services.map((service): Probe => {
              const isShut = cluster.isClosed && containers[at]?.network === guarded && service.port === deniedPort
              return { from, to, isV6: false, service, expected: !isShut }
            }),
      ),
    )
    const outcomes = await prober.probe(probes)
    return outcomes.flatMap(({ probe: { from, to, service, expected }, answered }) => {
      const way = `${from.name} to ${to.name} by ${service.kind} ${service.port}`
      return answered === expected ? [] : [expected ? `nothing comes from ${way}` : `open although denied: ${way}`]
    })
  } finally {
    prober.close()
  }
}
