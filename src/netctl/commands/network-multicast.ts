// netctl network multicast: which groups somebody listens to in a network, and on which hosts.

import type { NetworkMulticast } from '../../model/multicast.ts'
import { command, tenantFlag } from '../command.ts'
import { itemTable, printDocument } from '../output.ts'
import { plain } from '../tables.ts'

type Group = NetworkMulticast['groups'][number]

const columns = [
  plain<Group>('Group', ({ group }) => group),
  plain<Group>('Members', ({ hosts }) => hosts.reduce((sum, { members }) => sum + members, 0)),
  plain<Group>('Hosts', ({ hosts }) => hosts.map(({ host, members }) => `${host} ${members}`).join(', ')),
]

export const networkMulticastCommand = command({
  names: ['multicast'],
  summary: 'Show the multicast groups of a network, and how many containers listen on which hosts',
  args: ['network'],
  flags: {
    ...tenantFlag,
    json: { kind: 'switch', names: ['json', 'j'], help: 'Print the answer as the API gives it' },
  },
  run: async ({ session, args, flags }) => {
    const netmaster = await session.netmaster()
    const answer = await netmaster.networkMulticast(`${flags.tenant}:${args.network}`)
    if (flags.json) return printDocument(session, answer, { output: 'json', json: true })
    if (answer.multicast !== 'snoop') {
      const what = answer.multicast === 'flood' ? 'goes to everybody' : 'goes to nobody'
      session.print(`${answer.key}: multicast ${what} (--multicast=${answer.multicast})\n`)
      return
    }
    session.print(itemTable(columns, answer.groups, session))
    if (answer.everything.length > 0) session.print(`${answer.everything.join(', ')}: all groups, for now\n`)
  },
})
