// The wires: veth pairs made from inside the underlay straight into the hosts, so that nothing ever shows in the
// machine's own network namespace.

import { mustRun } from '../lib/command.ts'
import type { Machine } from './namespace.ts'
import { type HostPlan, type LabPlan, linkMac, underlayPort, vlanUplinks } from './plan.ts'

/** `ip -batch` lines that connect one host. `pid` is the host's first process. */
export function linkCommands(host: HostPlan, plan: LabPlan, pid: number): readonly string[] {
  const links = ['eth0', ...host.uplinks].map((name, number) => ({
    number,
    name,
    port: underlayPort(host.index, number),
    bridge: number === 0 ? 'control' : 'data',
    mtu: number === 0 ? 1500 : plan.options.mtu,
  }))
  const trunks = new Set(vlanUplinks(plan.options, host.uplinks))
  return links.flatMap(({ number, name, port, bridge, mtu }) => [
    `link add ${port} mtu ${mtu} type veth peer name ${name} mtu ${mtu} address ${linkMac(host.index, number)} netns ${pid}`,
    `link set ${port} master ${bridge} up`,
    // A kernel bridge may not know VLANs: it would learn one place for an address that is in several of them.
    ...(trunks.has(name) ? [`link set ${port} type bridge_slave learning off`] : []),
  ])
}

/** Makes the links of a host. Only the underlay's network namespace is entered: the host's pid is counted out here. */
export async function connectHost(
  underlay: Machine,
  machine: Machine,
  host: HostPlan,
  plan: LabPlan,
  signal: AbortSignal,
): Promise<void> {
  const lines = linkCommands(host, plan, machine.pid)
  await mustRun(
    ['nsenter', '-t', String(underlay.pid), '-n', 'ip', '-batch', '-'],
    { input: `${lines.join('\n')}\n` },
    signal,
  )
}
