// netctl endpoint: the attachment of one container to one network.

import { usage } from '../../lib/flags.ts'
import type { EndpointOper } from '../../model/endpoint.ts'
import type { CleanAnswer } from '../../model/plugin.ts'
import { command, type Session, type Topic, tenantFlag } from '../command.ts'
import { documentFlags, type ListLayout, lines, listFlags, listFormat, printDocument, printItems } from '../output.ts'
import { endpointColumns, endpointWide } from '../tables.ts'

const endpointLayout: ListLayout<EndpointOper> = {
  name: (endpoint) => endpoint.endpointID,
  columns: endpointColumns,
  wide: endpointWide,
}

const list = command({
  names: ['ls', 'list'],
  summary: 'List the endpoints of a tenant',
  args: [],
  flags: {
    ...tenantFlag,
    all: { kind: 'switch', names: ['all', 'a'], help: 'List the endpoints of all tenants' },
    ...listFlags,
  },
  run: async ({ session, flags }) => {
    const format = listFormat(flags)
    const netmaster = await session.netmaster()
    const found = flags.all
      ? await netmaster.endpoints.list()
      : ((await netmaster.tenants.inspect(flags.tenant)).Oper.endpoints ?? [])
    await printItems(session, endpointLayout, found.toSorted(byPlace), format)
  },
})

/** By network, then by container. */
function byPlace(a: EndpointOper, b: EndpointOper): number {
  const place = (each: EndpointOper) => `${each.network ?? ''} ${each.containerName ?? ''} ${each.endpointID}`
  return place(a) < place(b) ? -1 : 1
}

const inspect = command({
  names: ['inspect'],
  summary: 'Show an endpoint by its id, or by container id or name',
  args: ['endpoint'],
  flags: documentFlags,
  run: async ({ session, args, flags }) => {
    const netmaster = await session.netmaster()
    await printDocument(session, await netmaster.endpoints.inspect(args.endpoint), flags)
  },
})

const yesFlag = { yes: { kind: 'switch', names: ['yes', 'y', 'force', 'f'], help: 'Do not ask' } } as const

const remove = command({
  names: ['rm', 'delete'],
  summary: 'Forget the endpoint of a container that is gone; one that still runs loses its network',
  args: ['endpoint'],
  flags: { ...tenantFlag, ...yesFlag },
  run: async ({ session, args, flags }) => {
    const netmaster = await session.netmaster()
    // Whoever types a part of an id is shown which endpoint that is before it goes.
    const { Oper } = await netmaster.endpoints.inspect(args.endpoint)
    if (Oper.network?.endsWith(`.${flags.tenant}`) === false) {
      throw usage(`endpoint ${Oper.endpointID} is in ${Oper.network}, not in tenant ${flags.tenant}; give its --tenant`)
    }
    const container = Oper.containerName ?? Oper.containerID ?? 'no container'
    const where = `of ${container} on ${Oper.homingHost ?? 'no node'} in ${Oper.network ?? 'no network'}`
    await session.confirm(`Forget endpoint ${Oper.endpointID} ${where}?`, flags.yes)
    const what = { tenant: flags.tenant, kind: 'ep', id: Oper.endpointID } as const
    await reportCleaned(session, await netmaster.endpoints.clean(what))
  },
})

const cleanup = command({
  names: ['cleanup'],
  summary: 'Forget all endpoints of a network or of a group; containers that still run lose that network',
  args: [],
  flags: {
    ...tenantFlag,
    network: { kind: 'text', names: ['network', 'n'], value: 'NETWORK', help: 'The network' },
    group: { kind: 'text', names: ['group', 'g'], value: 'GROUP', help: 'The group' },
    ...yesFlag,
  },
  run: async ({ session, flags }) => {
    const [kind, id] = flags.group === undefined ? (['net', flags.network] as const) : (['group', flags.group] as const)
    if (id === undefined || (flags.group !== undefined && flags.network !== undefined)) {
      throw usage('say which endpoints: give one of --network and --group, or use netctl endpoint rm for a single one')
    }
    const noun = kind === 'net' ? 'network' : 'group'
    await session.confirm(`Forget all endpoints of ${noun} ${id} of tenant ${flags.tenant}?`, flags.yes)
    const netmaster = await session.netmaster()
    await reportCleaned(session, await netmaster.endpoints.clean({ tenant: flags.tenant, kind, id }))
  },
})

async function reportCleaned(session: Session, { removed }: CleanAnswer): Promise<void> {
  if (removed.length === 0) return session.print('Nothing to clean up\n')
  session.print(lines(removed.map((id) => `Deleted endpoint ${id}`)))
  await session.settle()
}

export const endpointTopic: Topic = {
  names: ['endpoint', 'ep'],
  summary: 'Attachments of containers to networks',
  commands: [list, inspect, remove, cleanup],
}
