// The flags of netdcli. Names are those that scripts know; what no longer has a meaning is accepted and said to be unused.

import { describeFlags, type Flags, type FlagValues } from '../lib/flags.ts'

export const opers = ['get', 'create', 'delete', 'attach', 'detach'] as const
export type Oper = (typeof opers)[number]

export const constructs = ['global', 'network', 'endpoint', 'vlan-rsrc', 'vxlan-rsrc', 'subnet-rsrc'] as const
export type Construct = (typeof constructs)[number]

const text = (name: string, value: string, help: string) => ({ kind: 'text', names: [name], value, help }) as const

const documentFlags = {
  cfg: { kind: 'switch', names: ['cfg'], help: 'Make what intents made equal to FILE: what it does not name goes' },
  addCfg: { kind: 'switch', names: ['add-cfg'], help: 'Add what FILE names' },
  delCfg: {
    kind: 'switch',
    names: ['del-cfg'],
    help: 'Remove the endpoints in FILE, and its networks and tenants left empty',
  },
  hostBindingsCfg: {
    kind: 'switch',
    names: ['host-bindings-cfg'],
    help: 'Bind the endpoints of containers to hosts as FILE says',
  },
} as const satisfies Flags

const singleFlags = {
  oper: text('oper', 'OPERATION', opers.join(', ')),
  construct: text('construct', 'KIND', `${constructs.join(', ')} (the last three: get only)`),
  tenant: { kind: 'text', names: ['tenant'], value: 'TENANT', help: 'Tenant of the network', fallback: 'default' },
  netId: text('net-id', 'NETWORK', 'Network of the endpoint, as network.tenant or by name in TENANT'),
  containerId: text('container-id', 'NAME', 'Container of the endpoint, by name'),
  host: { kind: 'text', names: ['host', 'host-label'], value: 'HOST', help: 'Host that the endpoint is bound to' },
  attachUuid: text('attach-uuid', 'ID', 'Only the container with this id'),
  ipAddress: {
    kind: 'text',
    names: ['ip-address'],
    value: 'ADDRESS',
    help: 'Address of the endpoint',
    fallback: 'auto',
  },
  tag: { kind: 'text', names: ['tag'], value: 'TAG', help: 'VLAN or VXLAN id of the network', fallback: 'auto' },
  tagType: text('tag-type', 'vlan|vxlan', 'Encapsulation; otherwise as the tenant or the cluster says'),
  subnet: text('subnet', 'SUBNET', 'Subnet of the network; 0/24: an automatic one of that length. Of global: the pool'),
  gateway: text('gw', 'ADDRESS', 'Gateway of the network'),
  vlans: text('vlans', 'RANGE', 'VLANs of the tenant, first-last'),
  vxlans: text('vxlans', 'RANGE', 'VXLAN ids of the tenant, first-last'),
  allocSubnetLen: {
    kind: 'number',
    names: ['alloc-subnet-len'],
    value: 'LENGTH',
    help: 'Prefix length of automatic subnets (default: 24)',
  },
} as const satisfies Flags

const commonFlags = {
  netmaster: {
    kind: 'text',
    names: ['netmaster-url', 'netmaster'],
    value: 'URL,…',
    help: 'Where netmasters listen; also from the environment variable NETMASTER (default: http://localhost:9999)',
  },
  insecure: { kind: 'switch', names: ['insecure'], help: 'Accept any TLS certificate' },
  wait: {
    kind: 'number',
    names: ['wait'],
    value: 'SECONDS',
    help: 'How long a change waits until every live host has it; 0: not at all (default: 5)',
  },
  debug: { kind: 'switch', names: ['debug'], help: 'Show what is asked of netmaster' },
  version: { kind: 'switch', names: ['version'], help: 'Print the version' },
  help: { kind: 'switch', names: ['help', 'h'], help: 'Show this help' },
} as const satisfies Flags

/** Flags of earlier releases, and why they do nothing. */
const storeNote = 'netdcli asks netmaster, not the store; say where it is with --netmaster-url'
const linkNote = 'uplinks and tunnel ends are those of the flags of netplugin on each host'
export const unusedFlags = {
  stateStore: { flag: { kind: 'text', names: ['state-store'], value: 'KIND', help: '' }, note: storeNote },
  storeUrl: { flag: { kind: 'text', names: ['store-url'], value: 'URL', help: '' }, note: storeNote },
  etcdUrl: { flag: { kind: 'text', names: ['etcd-url'], value: 'URL', help: '' }, note: storeNote },
  intfName: { flag: { kind: 'text', names: ['intf-name'], value: 'NAME', help: '' }, note: linkNote },
  vtepIp: { flag: { kind: 'text', names: ['vtep-ip'], value: 'ADDRESS', help: '' }, note: linkNote },
} as const

export const netdcliFlags = {
  ...documentFlags,
  ...singleFlags,
  ...commonFlags,
  stateStore: unusedFlags.stateStore.flag,
  storeUrl: unusedFlags.storeUrl.flag,
  etcdUrl: unusedFlags.etcdUrl.flag,
  intfName: unusedFlags.intfName.flag,
  vtepIp: unusedFlags.vtepIp.flag,
} as const satisfies Flags

export type Given = FlagValues<typeof netdcliFlags>

export const help = [
  `Usage: netdcli -cfg|-add-cfg|-del-cfg|-host-bindings-cfg FILE
       netdcli -oper OPERATION -construct KIND [FLAGS] ID\n`,
  'Loads intents: documents of tenants, networks and the containers on them. FILE may be - for standard input.\n',
  `Whole documents:\n${describeFlags(documentFlags)}`,
  `One thing at a time:\n${describeFlags(singleFlags)}`,
  `Flags everywhere:\n${describeFlags(commonFlags)}`,
  `Examples:
  netdcli -cfg examples/one_host_multiple_nets.json
  netdcli -oper create -construct network -tenant blue -subnet 10.2.1.0/24 orange
  netdcli -oper create -construct endpoint -net-id orange.blue -container-id web orange.blue-web
  netdcli -oper get -construct endpoint orange.blue-web\n`,
  'Exit status: 0 done, 1 typed wrongly, 2 no answer from netmaster, 3 refused, 4 a local file failed.\n',
].join('\n')
