// netctl node: the hosts that run netplugin, and how far each has followed the state of the cluster.

import { command, type Topic } from '../command.ts'
import { itemTable, jsonText, lines } from '../output.ts'
import { nodeColumns } from '../tables.ts'

const list = command({
  names: ['ls', 'list'],
  summary: 'List the nodes',
  args: [],
  flags: {
    json: { kind: 'switch', names: ['json', 'j'], help: 'Print the nodes as JSON' },
    quiet: { kind: 'switch', names: ['quiet', 'q'], help: 'Print only names' },
  },
  run: async ({ session, flags }) => {
    const netmaster = await session.netmaster()
    const nodes = await netmaster.nodes.list()
    if (flags.json) session.print(jsonText(nodes))
    else if (flags.quiet) session.print(lines(nodes.map((node) => node.name)))
    else session.print(itemTable(nodeColumns, nodes))
  },
})

export const nodeTopic: Topic = {
  names: ['node'],
  summary: 'Hosts of the cluster',
  commands: [list],
}
