// netctl service stats: what the providers of a service have got, and what they sent back.

import type { ProviderStats } from '../../model/counts.ts'
import { command, tenantFlag } from '../command.ts'
import { itemTable, printDocument } from '../output.ts'
import { plain } from '../tables.ts'

const columns = [
  plain<ProviderStats>('Provider', (provider) => provider.name),
  plain<ProviderStats>('Address', (provider) => provider.address),
  plain<ProviderStats>('Host', (provider) => provider.host),
  plain<ProviderStats>('Packets to', ({ to }) => to.packets),
  plain<ProviderStats>('Bytes to', ({ to }) => to.bytes),
  plain<ProviderStats>('Packets from', ({ from }) => from.packets),
  plain<ProviderStats>('Bytes from', ({ from }) => from.bytes),
]

export const serviceStats = command({
  names: ['stats'],
  summary: 'Show how many packets and bytes went to each provider of a service, and came back',
  args: ['service'],
  flags: {
    ...tenantFlag,
    json: { kind: 'switch', names: ['json', 'j'], help: 'Print the answer as the API gives it' },
  },
  run: async ({ session, args, flags }) => {
    const netmaster = await session.netmaster()
    const answer = await netmaster.serviceStats(`${flags.tenant}:${args.service}`)
    if (flags.json) return printDocument(session, answer, { output: 'json', json: true })
    session.print(itemTable(columns, answer.providers, session))
    if (answer.silent.length > 0) session.print(`without ${answer.silent.join(', ')}, which did not answer\n`)
  },
})
