// netctl aci-gw: the gateway to an ACI fabric, one for the cluster.

import { NetpluginError } from '../../lib/errors.ts'
import type { AciGwInput, AciGwView } from '../../model/aci-gw.ts'
import { command, type Topic } from '../command.ts'
import { type ObjectKind, remove, store } from '../object-commands.ts'
import { documentFlags, given, lines, printDocument } from '../output.ts'

const key = 'aciGw'

const aciGwKind: ObjectKind<AciGwView, AciGwInput> = {
  noun: 'ACI gateway',
  plural: 'ACI gateways',
  article: 'an',
  collection: (netmaster) => netmaster.aciGws,
  name: (gateway) => gateway.name,
  columns: [],
  wide: [],
  deleting: () => 'Deleting ACI gateway',
}

const infoFields = [
  ['Path bindings', 'pathBindings'],
  ['Node bindings', 'nodeBindings'],
  ['Physical domain', 'physicalDomain'],
  ['Enforce policies', 'enforcePolicies'],
  ['Include common tenant', 'includeCommonTenant'],
] as const

const info = command({
  names: ['info'],
  summary: 'Show the settings of the gateway',
  args: [],
  flags: {
    output: { kind: 'text', names: ['output', 'o'], value: 'json|yaml', help: 'Print the settings as a document' },
    json: { kind: 'switch', names: ['json', 'j'], help: 'The same as -o json' },
  },
  run: async ({ session, flags }) => {
    const netmaster = await session.netmaster()
    const gateways = await netmaster.aciGws.list()
    const { output = flags.json ? 'json' : undefined } = flags
    if (output !== undefined) return printDocument(session, gateways, { output, json: flags.json })
    for (const gateway of gateways) {
      session.print(lines(infoFields.map(([title, name]) => `${title}: ${gateway[name] ?? ''}`)))
    }
  },
})

const inspect = command({
  names: ['inspect'],
  summary: 'Show the settings and how much depends on the gateway',
  args: [],
  flags: documentFlags,
  run: async ({ session, flags }) => {
    const netmaster = await session.netmaster()
    await printDocument(session, await netmaster.aciGws.inspect(key), flags)
  },
})

const set = command({
  names: ['set'],
  summary: 'Set the gateway up, or change it; what is not given stays',
  args: [],
  flags: {
    pathBindings: {
      kind: 'text',
      names: ['path-bindings', 'p'],
      value: 'PATHS',
      help: 'Ports of leaves that hosts are connected to, with commas: topology/pod-1/paths-101/pathep-[eth1/14]',
    },
    nodeBindings: {
      kind: 'text',
      names: ['node-bindings', 'n'],
      value: 'NODES',
      help: 'Leaves, with commas: topology/pod-1/node-101',
    },
    physicalDomain: {
      kind: 'text',
      names: ['phys-domain', 'phys-dom', 'd'],
      value: 'DOMAIN',
      help: 'Physical domain; required the first time',
    },
    enforcePolicies: {
      kind: 'text',
      names: ['enforce-policies', 'e'],
      value: 'yes|no',
      help: 'Whether the fabric enforces policies; yes at first',
    },
    includeCommonTenant: {
      kind: 'text',
      names: ['include-common-tenant', 'i'],
      value: 'yes|no',
      help: 'Whether contracts of the tenant common count; no at first',
    },
  },
  run: async ({ session, flags }) => {
    // The API takes whole objects: what was not given must go back as it is.
    const netmaster = await session.netmaster()
    const current = await netmaster.aciGws.get(key).catch((error: unknown) => {
      if (error instanceof NetpluginError && error.kind === 'not-found') return undefined
      throw error
    })
    // Without a domain netmaster refuses, and says why.
    const first: AciGwInput = { name: key, physicalDomain: '' }
    await store(session, aciGwKind, key, { ...(current ?? first), name: key, ...given<Partial<AciGwInput>>(flags) })
  },
})

const forget = command({
  names: ['rm', 'delete'],
  summary: 'Forget the gateway',
  args: [],
  flags: {},
  run: ({ session }) => remove(session, aciGwKind, key),
})

export const aciGwTopic: Topic = {
  names: ['aci-gw'],
  summary: 'The gateway to an ACI fabric',
  commands: [info, inspect, set, forget],
}
