// netctl global: the settings of the whole cluster.

import type { GlobalInput } from '../../model/global.ts'
import { command, type Topic } from '../command.ts'
import { documentFlags, given, lines, printDocument } from '../output.ts'

const infoFields = [
  ['Fabric mode', 'networkInfraType'],
  ['Forward mode', 'fwdMode'],
  ['ARP mode', 'arpMode'],
  ['Vlan Range', 'vlans'],
  ['Vxlan range', 'vxlans'],
  ['Private subnet', 'pvtSubnet'],
] as const

const info = command({
  names: ['info'],
  summary: 'Show the settings',
  args: [],
  flags: {
    output: { kind: 'text', names: ['output', 'o'], value: 'json|yaml', help: 'Print the settings as a document' },
    json: { kind: 'switch', names: ['json', 'j'], help: 'The same as -o json' },
    // Flags of every list command in scripts of old; there is nothing to choose from here.
    all: { kind: 'switch', names: ['all', 'a'], help: '' },
    tenant: { kind: 'text', names: ['tenant', 't'], value: 'TENANT', help: '' },
  },
  run: async ({ session, flags }) => {
    const netmaster = await session.netmaster()
    const settings = await netmaster.globals.list()
    const { output = flags.json ? 'json' : undefined } = flags
    if (output !== undefined) return printDocument(session, settings, { output, json: flags.json })
    for (const global of settings) {
      session.print(lines(infoFields.map(([title, name]) => `${title}: ${global[name]}`)))
    }
  },
})

const inspect = command({
  names: ['inspect'],
  summary: 'Show the settings and what is in use',
  args: [],
  flags: documentFlags,
  run: async ({ session, flags }) => {
    const netmaster = await session.netmaster()
    await printDocument(session, await netmaster.globals.inspect('global'), flags)
  },
})

const set = command({
  names: ['set'],
  summary: 'Change settings; what is not given stays',
  args: [],
  flags: {
    fwdMode: {
      kind: 'text',
      names: ['fwd-mode', 'b'],
      value: 'bridge|routing',
      help: 'Switch within networks, or route between those of a tenant',
    },
    arpMode: { kind: 'text', names: ['arp-mode', 'a'], value: 'proxy|flood', help: 'Who answers ARP in bridge mode' },
    vlans: { kind: 'text', names: ['vlan-range', 'v'], value: 'FIRST-LAST', help: 'VLAN ids to choose from' },
    vxlans: { kind: 'text', names: ['vxlan-range', 'x'], value: 'FIRST-LAST', help: 'VXLAN ids to choose from' },
    pvtSubnet: {
      kind: 'text',
      names: ['private-subnet', 's'],
      value: 'SUBNET',
      help: 'A /16 for addresses of the hosts on the switch',
    },
    networkInfraType: {
      kind: 'text',
      names: ['fabric-mode', 'f'],
      value: 'default|aci|aci-opflex',
      help: 'What connects the hosts',
    },
  },
  run: async ({ session, flags }) => {
    // The API takes whole objects: what was not given must go back as it is.
    const netmaster = await session.netmaster()
    const current = await netmaster.globals.get('global')
    await netmaster.globals.put('global', { ...current, name: 'global', ...given<Partial<GlobalInput>>(flags) })
    await session.settle()
  },
})

export const globalTopic: Topic = {
  names: ['global'],
  summary: 'Settings of the whole cluster',
  commands: [info, inspect, set],
}
