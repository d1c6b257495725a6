// The programs of a host as data: command line, pid file, log. Pure; starting and ending them is daemon.ts.

import type { HostPlan, LabPlan, ProgramName } from './plan.ts'
import { hasTunnels, netmasterPort, vlanUplinks } from './plan.ts'
import { certificateFiles, consulCommand, etcdCommand, storeFlags } from './store-servers.ts'

export interface Program {
  readonly name: ProgramName
  /** Inside the host's file system. */
  readonly pidFile: string
  /** File in the host's log folder. */
  readonly logFile: string
  /** What NETLAB_PROGRAM says in its environment: a check that a pid is still the program it was. */
  readonly marker: ProgramName
}

const ovsRun = '/run/openvswitch'
const ownRun = '/run/netlab'

export const programs: Readonly<Record<ProgramName, Program>> = {
  consul: { name: 'consul', pidFile: `${ownRun}/consul.pid`, logFile: 'consul.log', marker: 'consul' },
  etcd: { name: 'etcd', pidFile: `${ownRun}/etcd.pid`, logFile: 'etcd.log', marker: 'etcd' },
  'ovsdb-server': {
    name: 'ovsdb-server',
    pidFile: `${ovsRun}/ovsdb-server.pid`,
    logFile: 'ovsdb-server.log',
    marker: 'ovsdb-server',
  },
  'ovs-vswitchd': {
    name: 'ovs-vswitchd',
    pidFile: `${ovsRun}/ovs-vswitchd.pid`,
    logFile: 'ovs-vswitchd.log',
    marker: 'ovs-vswitchd',
  },
  netmaster: { name: 'netmaster', pidFile: `${ownRun}/netmaster.pid`, logFile: 'netmaster.log', marker: 'netmaster' },
  netplugin: { name: 'netplugin', pidFile: `${ownRun}/netplugin.pid`, logFile: 'netplugin.log', marker: 'netplugin' },
  dockerd: { name: 'dockerd', pidFile: `${ownRun}/dockerd.pid`, logFile: 'dockerd.log', marker: 'dockerd' },
  // Started and restarted by dockerd, whose environment it has.
  containerd: {
    name: 'containerd',
    pidFile: '/run/docker/containerd/containerd.pid',
    logFile: 'dockerd.log',
    marker: 'dockerd',
  },
}

export const dockerSocket = '/run/docker.sock'
export const pluginSocket = '/run/docker/plugins/netplugin.sock'

export interface ProgramPlace {
  /** The repository: programs of ours are started from its bin folder. */
  readonly repository: string
  /** The host's folder on disk. */
  readonly hostDirectory: string
  /** The lab's certificates on disk. */
  readonly certificates: string
  readonly cgroupParent: string
  /** Consul's program; left out: the one on PATH. */
  readonly consul?: string
}

export type BackgroundProgram = 'etcd' | 'consul' | 'netmaster' | 'netplugin' | 'dockerd'

/** Command line of a program that runs in the background by shell/background.sh. */
export function programCommand(
  name: BackgroundProgram,
  host: Pick<HostPlan, 'name' | 'controlAddress' | 'dataAddress' | 'uplinks'>,
  plan: LabPlan,
  place: ProgramPlace,
): readonly string[] {
  const { options } = plan
  switch (name) {
    case 'netmaster':
      return [
        `${place.repository}/bin/netmaster`,
        ...['--listen-url', `${host.controlAddress}:${netmasterPort}`],
        ...['--state-dir', '/var/lib/netplugin/netmaster'],
        ...['--net-mode', hasTunnels(options) ? 'vxlan' : 'vlan', '--fwd-mode', options.forwardMode],
        ...storeFlags(plan, certificateFiles(place.certificates)),
        ...['--log-level', options.logLevel],
      ]
    case 'netplugin': {
      const vlans = vlanUplinks(options, host.uplinks)
      return [
        `${place.repository}/bin/netplugin`,
        ...['--host-label', host.name, '--ctrl-ip', host.controlAddress],
        ...(hasTunnels(options) ? ['--vtep-ip', host.dataAddress] : []),
        ...['--netmaster', netmasterUrls(plan)],
        ...(vlans.length === 0 ? [] : ['--vlan-uplinks', vlans.join(',')]),
        ...['--log-level', options.logLevel],
      ]
    }
    case 'dockerd':
      return [
        '/usr/bin/env',
        // Debian's package leaves two places for it.
        'dockerd',
        ...['--data-root', `${place.hostDirectory}/docker`],
        ...['--exec-root', '/run/docker', '--pidfile', '/run/docker.pid', '--host', `unix://${dockerSocket}`],
        // systemd does not reach into the host: cgroups are made directly.
        ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', place.cgroupParent],
      ]
    case 'consul':
      return consulCommand(host, plan, {
        program: place.consul,
        dataDirectory: `${place.hostDirectory}/consul`,
      })
    case 'etcd':
      return etcdCommand(host, plan, {
        dataDirectory: `${place.hostDirectory}/etcd`,
        files: certificateFiles(place.certificates),
      })
  }
}

/** One by its name, as the documentation has it; several each by its address: one that hangs is to be told from the others. */
function netmasterUrls({ options, hosts }: LabPlan): string {
  if (options.masters === 1) return `http://netmaster:${netmasterPort}`
  const masters = hosts.filter(({ index }) => index <= options.masters)
  return masters.map(({ controlAddress }) => `http://${controlAddress}:${netmasterPort}`).join(',')
}
