// netctl node: the hosts that run netplugin, and how far each has followed the state of the cluster.

import type { NodeView } from '../../model/node.ts'
import { command, type Topic } from '../command.ts'
import { type ListLayout, listFlags, listFormat, printItems } from '../output.ts'
import { nodeColumns, nodeWide } from '../tables.ts'

const nodeLayout: ListLayout<NodeView> = { name: (node) => node.name, columns: nodeColumns, wide: nodeWide }

const list = command({
  names: ['ls', 'list'],
  summary: 'List the nodes',
  args: [],
  flags: listFlags,
  run: async ({ session, flags }) => {
    const format = listFormat(flags)
    const netmaster = await session.netmaster()
    await printItems(session, nodeLayout, await netmaster.nodes.list(), format)
  },
})

const remove = command({
  names: ['rm', 'delete'],
  summary: 'Forget a host that is gone for good, and give its addresses back; refused while it lives',
  args: ['node'],
  flags: { yes: { kind: 'switch', names: ['yes', 'y', 'force', 'f'], help: 'Do not ask' } },
  run: async ({ session, args, flags }) => {
    const netmaster = await session.netmaster()
    const question = `Does ${args.node} run no containers any more? Their addresses will be given to others.`
    await session.confirm(question, flags.yes)
    const { removed } = await netmaster.nodes.remove(args.node)
    session.print(`Removed ${args.node} with ${removed.length} endpoints\n`)
    await session.settle()
  },
})

export const nodeTopic: Topic = {
  names: ['node'],
  summary: 'Hosts of the cluster',
  commands: [list, remove],
}
