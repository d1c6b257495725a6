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

export const nodeTopic: Topic = {
  names: ['node'],
  summary: 'Hosts of the cluster',
  commands: [list],
}
