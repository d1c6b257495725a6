// The flags of netplugin (specification 1.3), with the environment variables and older spellings that mean the same.

import { defaultOutsideSubnet } from '../core/pipeline/facts.ts'
import { formatIpv4, parseIpv4, parseIpv4Prefix } from '../lib/address.ts'
import { describeFlags, type Flags, type FlagValues, fillFlags, parseFlags, usage } from '../lib/flags.ts'
import { type LogLevel, logLevels } from '../lib/log.ts'
import type { NodeConfig } from './config.ts'

export type FlagsAnswer =
  | { readonly kind: 'run'; readonly config: NodeConfig; readonly logLevel: LogLevel }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }

/** What stands in where nothing was given. */
interface Host {
  readonly hostname: string
  readonly version: string
}

const flags = {
  host: {
    kind: 'text',
    names: ['host', 'host-label'],
    value: 'NAME',
    help: "this host's name in the cluster; its hostname by default",
  },
  ctrlIp: { kind: 'text', names: ['ctrl-ip'], value: 'ADDRESS', help: 'address on the control network' },
  vtepIp: {
    kind: 'text',
    names: ['vtep-ip'],
    value: 'ADDRESS',
    help: 'IPv4 address of the tunnel end; none: no VXLAN networks here',
  },
  vlanUplinks: {
    kind: 'text',
    names: ['vlan-uplinks', 'vlan-if'],
    value: 'NIC,…',
    help: 'NICs for VLAN networks; several form a bond',
  },
  vxlanPort: { kind: 'number', names: ['vxlan-port'], value: 'PORT', help: 'UDP port of VXLAN; 4789 by default' },
  portReserve: {
    kind: 'number',
    names: ['port-reserve'],
    value: 'COUNT',
    help: 'ports made in advance, so that containers start sooner; 16 by default, 0: none',
  },
  netmaster: {
    kind: 'text',
    names: ['netmaster'],
    value: 'URL,…',
    fallback: 'http://netmaster:9999',
    help: 'where netmasters listen; each tells of the others',
  },
  stateDir: {
    kind: 'text',
    names: ['state-dir'],
    value: 'DIR',
    fallback: '/var/lib/netplugin/node',
    help: 'what survives a restart',
  },
  pluginName: {
    kind: 'text',
    names: ['name', 'plugin-name'],
    value: 'NAME',
    fallback: 'netplugin',
    help: 'name of the Docker driver',
  },
  dockerSocket: {
    kind: 'text',
    names: ['docker-socket'],
    value: 'PATH',
    fallback: '/var/run/docker.sock',
    help: "Docker's socket",
  },
  cniSocket: {
    kind: 'text',
    names: ['cni-socket'],
    value: 'PATH',
    fallback: '/run/netplugin/cni.sock',
    help: 'where netplugin-cni asks',
  },
  ovsRunDir: {
    kind: 'text',
    names: ['ovs-run-dir'],
    value: 'DIR',
    fallback: '/var/run/openvswitch',
    help: "Open vSwitch's run directory",
  },
  resolvConf: {
    kind: 'text',
    names: ['resolv-conf'],
    value: 'PATH',
    fallback: '/etc/resolv.conf',
    help: 'servers for names the cluster does not know',
  },
  dnsRate: {
    kind: 'number',
    names: ['dns-rate'],
    value: 'COUNT',
    help: 'DNS questions a second that one container may ask; 5000 by default, 0: any number',
  },
  outsideSubnet: {
    kind: 'text',
    names: ['outside-subnet'],
    value: 'SUBNET',
    fallback: defaultOutsideSubnet,
    help: 'a /16 that nobody uses, for containers on their way out of this host',
  },
  logLevel: {
    kind: 'text',
    names: ['log-level'],
    value: 'LEVEL',
    fallback: 'info',
    help: 'debug, info, warn or error',
  },
  mode: {
    kind: 'text',
    names: ['mode', 'plugin-mode', 'cluster-mode'],
    value: 'MODE',
    fallback: 'docker',
    help: 'docker',
  },
  help: { kind: 'switch', names: ['help', 'h'], help: 'this text' },
  version: { kind: 'switch', names: ['version'], help: 'the version' },
} as const satisfies Flags

/** By the end of their names, `CONTIV_NETPLUGIN_…`; a flag that is given counts more. */
const environment: Readonly<Record<string, keyof typeof flags>> = {
  HOST: 'host',
  CONTROL_IP: 'ctrlIp',
  VTEP_IP: 'vtepIp',
  VLAN_UPLINKS: 'vlanUplinks',
  VXLAN_PORT: 'vxlanPort',
  PORT_RESERVE: 'portReserve',
  NETMASTER: 'netmaster',
  STATE_DIR: 'stateDir',
  PLUGIN_NAME: 'pluginName',
  DOCKER_SOCKET: 'dockerSocket',
  CNI_SOCKET: 'cniSocket',
  OVS_RUN_DIR: 'ovsRunDir',
  RESOLV_CONF: 'resolvConf',
  DNS_RATE: 'dnsRate',
  OUTSIDE_SUBNET: 'outsideSubnet',
  LOG_LEVEL: 'logLevel',
  MODE: 'mode',
}

/** Throws `invalid` USAGE for what cannot be used. */
export function readFlags(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  host: Host,
): FlagsAnswer {
  const asked = fillFlags(flags, parseFlags(args, flags).values)
  if (asked.help) {
    return {
      kind: 'help',
      text: `netplugin: the agent of one host.\n\nUsage: netplugin [flags]\n       netplugin cni install [flags]   for container runtimes that speak CNI\n       netplugin attach [flags]        makes a namespace, or a VM's tap, an endpoint\n       netplugin detach [flags]        the other way\n       netplugin doctor                what is wrong with this host, and what to do; each has a --help of its own\n\n${describeFlags(flags)}`,
    }
  }
  if (asked.version) return { kind: 'version' }
  const { words, values } = parseFlags([...fromEnvironment(env), ...args], flags)
  if (words.length > 0) throw usage(`netplugin takes no arguments, but was given '${words[0]}'`)
  const given = fillFlags(flags, values)
  const logLevel = logLevels.find((level) => level === given.logLevel.toLowerCase())
  if (logLevel === undefined) throw usage(`--log-level ${given.logLevel} is none of ${logLevels.join(', ')}`)
  if (given.mode !== 'docker') throw usage(`--mode ${given.mode} is not supported; this version knows 'docker'`)
  return { kind: 'run', logLevel, config: configOf(given, host) }
}

function configOf(given: FlagValues<typeof flags>, { hostname, version }: Host): NodeConfig {
  const vtep = addressOf('vtep-ip', given.vtepIp)
  const uplinks = (given.vlanUplinks ?? '').split(',').filter((name) => name !== '')
  if (vtep === '' && uplinks.length === 0) {
    throw usage('give --vtep-ip for VXLAN networks, --vlan-uplinks for VLAN networks, or both')
  }
  const twice = uplinks.find((name, index) => uplinks.indexOf(name) !== index)
  if (twice !== undefined) throw usage(`--vlan-uplinks names ${twice} twice`)
  const vxlanPort = given.vxlanPort ?? 4789
  if (vxlanPort < 1 || vxlanPort > 65_535) throw usage(`--vxlan-port ${vxlanPort} is not between 1 and 65535`)
  const portReserve = given.portReserve ?? 16
  if (portReserve > 256) throw usage(`--port-reserve ${portReserve} is more than 256`)
  const dnsRate = given.dnsRate ?? 5_000
  if (dnsRate < 0 || dnsRate > 1_000_000) throw usage(`--dns-rate ${dnsRate} is not between 0 and 1000000`)
  const outside = parseIpv4Prefix(given.outsideSubnet)
  if (outside?.length !== 16 || formatIpv4(outside.base) !== given.outsideSubnet.split('/')[0]) {
    throw usage(`--outside-subnet ${given.outsideSubnet} is not a subnet such as ${defaultOutsideSubnet}`)
  }
  const isHttp = (text: string) => ['http:', 'https:'].includes(URL.parse(text.trim())?.protocol ?? '')
  if (!given.netmaster.split(',').every(isHttp)) {
    throw usage(`--netmaster ${given.netmaster} is not a URL such as http://netmaster:9999, or several with commas`)
  }
  // Docker finds the plugin by the name of its socket.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(given.pluginName)) {
    throw usage(
      `--name ${given.pluginName} is not the name of a driver; use letters, digits, dots, hyphens, underscores`,
    )
  }
  return {
    node: given.host || hostname,
    controlAddress: addressOf('ctrl-ip', given.ctrlIp),
    vtep,
    uplinks,
    netmaster: given.netmaster,
    vxlanPort,
    portReserve,
    stateDir: given.stateDir,
    pluginSocket: `/run/docker/plugins/${given.pluginName}.sock`,
    pluginName: given.pluginName,
    dockerSocket: given.dockerSocket,
    cniSocket: given.cniSocket,
    ovsRunDir: given.ovsRunDir,
    resolvConf: given.resolvConf,
    namesSocket: `/run/netplugin/${given.pluginName}-names.sock`,
    dnsRate,
    outsideSubnet: given.outsideSubnet,
    version,
  }
}

function addressOf(flag: string, text: string | undefined): string {
  if (text === undefined || text === '' || parseIpv4(text) !== undefined) return text ?? ''
  throw usage(`--${flag} ${text} is not an IPv4 address`)
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): string[] {
  const given: string[] = []
  for (const [suffix, flag] of Object.entries(environment)) {
    const value = env[`CONTIV_NETPLUGIN_${suffix}`]
    if (value !== undefined && value !== '') given.push(`--${flags[flag].names[0]}=${value}`)
  }
  return given
}
