// The state of one host, from what was found out about it.

import { bad, type Finding, type Found, isMissing, note, ok } from '../../lib/findings.ts'
import { bridgeNames, vxlanOverhead } from '../compile/node-ports.ts'
import { portNames } from '../pipeline/facts.ts'

/** What became of packets of full size on the way to another host. */
export type PathResult =
  | { readonly kind: 'fits' }
  /** Smaller ones arrive, up to so many bytes of IPv4. */
  | { readonly kind: 'largest'; readonly bytes: number }
  | { readonly kind: 'silent' }
  | { readonly kind: 'untried'; readonly why: string }

export interface PeerFacts {
  readonly node: string
  readonly vtep: string
  readonly alive: boolean
  readonly path: PathResult
}

export interface SwitchFacts {
  readonly version: string
  readonly bridges: readonly { readonly name: string; readonly datapathType: string; readonly failMode: string }[]
  /** Interfaces that the switch cannot make. */
  readonly errors: readonly { readonly name: string; readonly error: string }[]
}

export interface MasterFacts {
  readonly url: string
  readonly revision: number
  /** Its clock less ours, in ms. */
  readonly skewMs: number
}

export interface OwnNode {
  readonly alive: boolean
  readonly appliedRevision: number
  readonly version: string
  readonly problems: readonly string[]
}

export interface HostDoctorFacts {
  readonly node: string
  readonly version: string
  readonly isRoot: boolean
  /** `6.1.0-18-amd64`. */
  readonly kernel: string
  readonly hasKernelOpenVswitch: boolean
  readonly switch: Found<SwitchFacts>
  /** Whether the userspace datapath takes tunnel packets; undefined where it does not have to. */
  readonly tunnelListens: Found<{ readonly listens: boolean }> | undefined
  /** Undefined on a host that only carries VLANs. */
  readonly tunnel: { readonly vtep: string; readonly port: number } | undefined
  /** The device that has the tunnel's address. */
  readonly underlay: { readonly device: string; readonly mtu: number } | undefined
  readonly uplinks: readonly {
    readonly name: string
    readonly state: 'missing' | 'down' | 'up'
    readonly address: string
  }[]
  readonly peers: readonly PeerFacts[]
  readonly master: Found<MasterFacts>
  /** As netmaster knows this host; undefined: it does not. */
  readonly self: OwnNode | undefined
  readonly docker: Found<{ readonly version: string }>
  /** Sockets that netplugin is to answer on, and whether it does. */
  readonly sockets: readonly { readonly path: string; readonly answers: boolean }[]
  /** Of the state directory. */
  readonly space: Found<{ readonly freeMiB: number }>
  readonly stateDir: string
  /** Ports of ours that leave checksums to hardware. */
  readonly offloading: readonly string[]
  /** Programs that are run and are not installed. */
  readonly missingPrograms: readonly string[]
}

/** A clock that differs more makes logs of hosts hard to compare, and certificates invalid. */
const noteSkewMs = 2_500
const badSkewMs = 60_000
const littleMiB = 64
/** What the datapath is tried with: older ones have no `ct` with NAT and no bundles that are atomic in the userspace datapath. */
const oldestSwitch = [2, 17] as const

export function hostFindings(facts: HostDoctorFacts): Finding[] {
  return [
    rights(facts),
    kernel(facts),
    ...switchFindings(facts),
    ...tunnelFindings(facts),
    ...facts.uplinks.map(uplink),
    ...facts.peers.map((peer) => path(peer, facts)),
    ...masterFindings(facts),
    docker(facts),
    ...facts.sockets.map(socket),
    space(facts),
    offload(facts),
    programs(facts),
  ]
}

function rights({ isRoot }: HostDoctorFacts): Finding {
  if (isRoot) return ok('rights', 'root')
  return bad(
    'rights',
    'netplugin makes network devices, for which it has to be root',
    'run it, and this command, as root',
  )
}

function kernel({ kernel: release, hasKernelOpenVswitch }: HostDoctorFacts): Finding {
  if (hasKernelOpenVswitch) return ok('kernel', `${release}, with Open vSwitch's datapath`)
  const says = `${release} without the module openvswitch: packets go through the userspace datapath`
  return note('kernel', says, 'load it with modprobe openvswitch where the kernel has it; it is several times as fast')
}

function switchFindings(facts: HostDoctorFacts): Finding[] {
  const about = 'Open vSwitch'
  const found = facts.switch
  if (isMissing(found)) {
    return [bad(about, found.problem, 'start it: systemctl start openvswitch-switch; or give --ovs-run-dir')]
  }
  const [major = Number.NaN, minor = 0] = found.version.split('.').map(Number)
  const isOld = major < oldestSwitch[0] || (major === oldestSwitch[0] && minor < oldestSwitch[1])
  const version = isOld
    ? bad(about, `version ${found.version} is too old`, `install ${oldestSwitch.join('.')} or newer`)
    : ok(about, `version ${found.version}`)
  const bridge = found.bridges.find(({ name }) => name === bridgeNames.integration)
  const wanted = facts.hasKernelOpenVswitch ? 'system' : 'netdev'
  const there =
    bridge === undefined
      ? bad(
          'bridge',
          `there is no bridge ${bridgeNames.integration}`,
          'netplugin makes it: see that it runs, and its log',
        )
      : bridge.failMode !== 'secure'
        ? bad('bridge', `${bridge.name} forwards without flows (fail mode)`, 'netplugin mends it: see its log')
        : (bridge.datapathType || 'system') !== wanted
          ? bad('bridge', `${bridge.name} has the datapath ${bridge.datapathType}, not ${wanted}`, 'restart netplugin')
          : ok('bridge', `${bridge.name}, datapath ${wanted}`)
  const ports = found.errors.map(({ name, error }) =>
    bad(`port ${name}`, error, `see ovs-vsctl list interface ${name} and the log of ovs-vswitchd`),
  )
  return [version, there, ...ports]
}

function tunnelFindings({ tunnel, underlay, tunnelListens }: HostDoctorFacts): Finding[] {
  if (tunnel === undefined) return []
  const { vtep, port } = tunnel
  const address =
    underlay === undefined
      ? bad('tunnel end', `no interface has the address ${vtep}`, 'give netplugin the right --vtep-ip')
      : ok(
          'tunnel end',
          `${vtep} on ${underlay.device}, MTU ${underlay.mtu}: ${underlay.mtu - vxlanOverhead} for containers`,
        )
  if (tunnelListens === undefined) return [address]
  const about = `UDP port ${port}`
  if (isMissing(tunnelListens)) return [address, bad(about, tunnelListens.problem, 'restart Open vSwitch')]
  const listens = tunnelListens.listens
    ? ok(about, 'the switch takes tunnel packets')
    : bad(
        about,
        'the switch does not take tunnel packets, the kernel refuses them',
        `ovs-vsctl del-port ${portNames.vxlan}; netplugin makes it anew`,
      )
  return [address, listens]
}

function uplink({ name, state, address }: HostDoctorFacts['uplinks'][number]): Finding {
  const about = `uplink ${name}`
  if (state === 'missing') return bad(about, 'there is no such interface', 'give netplugin the right --vlan-uplinks')
  if (address !== '') return bad(about, `it carries ${address}, which would go dead`, 'move the address elsewhere')
  if (state === 'down') return bad(about, 'it has no carrier', 'see the cable and the port of the switch behind it')
  return ok(about, 'up')
}

function path({ node, vtep, alive, path: result }: PeerFacts, { underlay }: HostDoctorFacts): Finding {
  const about = `path to ${node}`
  const mtu = underlay?.mtu ?? 0
  switch (result.kind) {
    case 'fits':
      return ok(about, `${vtep} takes packets of ${mtu} bytes`)
    case 'largest': {
      const says = `packets of ${mtu} bytes do not arrive at ${vtep}, at most ${result.bytes} do: connections start and then stall`
      return bad(
        about,
        says,
        `let what is in between carry ${mtu}, or lower the MTU of the interfaces to ${result.bytes}`,
      )
    }
    case 'silent': {
      const says = `${vtep} does not answer`
      if (!alive) return note(about, `${says}; netmaster does not hear of the host either`)
      return bad(
        about,
        `${says}, and yet the host lives`,
        'see routes and firewalls between tunnel ends (UDP, and ICMP echo)',
      )
    }
    case 'untried':
      return note(about, `not tried: ${result.why}`)
  }
}

function masterFindings({ master, self, node, version }: HostDoctorFacts): Finding[] {
  if (isMissing(master)) {
    const says = `${master.problem}: containers go on, new ones wait`
    return [bad('netmaster', says, 'see that it runs and that --netmaster is right')]
  }
  const { url, revision, skewMs } = master
  const seconds = (Math.abs(skewMs) / 1_000).toFixed(0)
  const apart = `${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} netmaster's`
  const clock =
    Math.abs(skewMs) >= badSkewMs
      ? bad('clock', `this host's clock is ${apart}`, 'synchronise clocks (chrony, systemd-timesyncd)')
      : Math.abs(skewMs) >= noteSkewMs
        ? note('clock', `this host's clock is ${apart}`, 'synchronise clocks (chrony, systemd-timesyncd)')
        : ok('clock', "agrees with netmaster's")
  return [ok('netmaster', `${url} answers, revision ${revision}`), clock, ...ownNode(self, { node, version, revision })]
}

function ownNode(
  self: OwnNode | undefined,
  { node, version, revision }: { readonly node: string; readonly version: string; readonly revision: number },
): Finding[] {
  const about = 'this host'
  if (self === undefined) {
    return [bad(about, `netmaster knows no node ${node}`, 'see that netplugin runs, its log, and --host')]
  }
  if (!self.alive)
    return [bad(about, 'netmaster has not heard of netplugin lately', 'see that netplugin runs, and its log')]
  const lag = revision - self.appliedRevision
  const applied =
    lag > 0
      ? note(
          about,
          `what is in force is revision ${self.appliedRevision}, ${lag} behind`,
          'look again; if it stays: the log of netplugin',
        )
      : ok(about, `revision ${self.appliedRevision} is in force`)
  const other =
    self.version === version
      ? []
      : [note('version', `netplugin runs ${self.version}, this is ${version}`, 'restart netplugin')]
  const problems = self.problems.map((problem) =>
    bad(about, problem, 'netplugin tries again by itself once this is mended'),
  )
  return [applied, ...other, ...problems]
}

function docker({ docker: found }: HostDoctorFacts): Finding {
  if (!isMissing(found)) return ok('Docker', `version ${found.version}`)
  return note('Docker', `${found.problem}: fine where containers come by CNI alone`)
}

function socket({ path: name, answers }: HostDoctorFacts['sockets'][number]): Finding {
  return answers ? ok(name, 'netplugin answers') : bad(name, 'nobody answers', 'start netplugin')
}

function space({ space: found, stateDir }: HostDoctorFacts): Finding {
  if (isMissing(found)) return bad('disk', found.problem, `let netplugin write to ${stateDir}, or give --state-dir`)
  if (found.freeMiB >= littleMiB) return ok('disk', `${found.freeMiB} MiB free in ${stateDir}`)
  return bad(
    'disk',
    `${found.freeMiB} MiB free in ${stateDir}`,
    'make room: what is given back without netmaster is kept there',
  )
}

function offload({ offloading }: HostDoctorFacts): Finding {
  const about = 'checksums'
  if (offloading.length === 0) return ok(about, 'made before packets reach the switch')
  const names = offloading.join(', ')
  const says = `left to hardware that is not there by ${names}: pings pass and TCP fails`
  return bad(about, says, `ethtool -K ${offloading[0]} tx off`)
}

function programs({ missingPrograms }: HostDoctorFacts): Finding {
  if (missingPrograms.length === 0) return ok('programs', 'all there')
  const says = `not installed: ${missingPrograms.join(', ')}`
  return note(
    'programs',
    says,
    'networks lead outside, and paths are tried, only with them: apt install nftables iptables iputils-ping',
  )
}
