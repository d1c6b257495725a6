// One thing at a time: `-oper … -construct … ID`. What is created or deleted goes to netmaster as an intent of one
// element, so that the same checks and the same pools hold.

import { globalRoutes } from '../api/routes/globals.ts'
import { intentRoutes } from '../api/routes/intents.ts'
import { NetpluginError } from '../lib/errors.ts'
import { usage } from '../lib/flags.ts'
import type { IntentAnswer } from '../model/intent-answer.ts'
import { type Construct, constructs, type Given, type Oper, opers } from './flags.ts'
import type { Session } from './session.ts'

type Run = (session: Session, id: string, given: Given) => Promise<void>

const runs: { readonly [O in Oper]: { readonly [C in Construct]?: Run } } = {
  get: {
    global: getGlobal,
    network: async (session, id, given) => session.printJson(await findNetwork(session, id, given)),
    endpoint: async (session, id) =>
      session.printJson(await session.ask(intentRoutes.endpoint, { key: id }, undefined)),
    'vlan-rsrc': getResource('vlan-rsrc'),
    'vxlan-rsrc': getResource('vxlan-rsrc'),
    'subnet-rsrc': getResource('subnet-rsrc'),
  },
  create: { global: createGlobal, network: createNetwork, endpoint: createEndpoint },
  delete: { global: deleteGlobal, network: deleteNetwork, endpoint: deleteEndpoint },
  attach: { endpoint: attach },
  detach: { endpoint: detach },
}

export async function runSingle(session: Session, given: Given, words: readonly string[]): Promise<void> {
  const oper = known('-oper', given.oper, opers)
  const construct = known('-construct', given.construct, constructs)
  const run = runs[oper][construct]
  if (run === undefined) {
    const can = opers.filter((each) => runs[each][construct] !== undefined).join(', ')
    throw usage(`-oper ${oper} is not possible with -construct ${construct}, only ${can}`)
  }
  const [id, more] = words
  if (id === undefined || id === '')
    throw usage(`-oper ${oper} -construct ${construct} needs the id of the ${construct}`)
  if (more !== undefined) throw usage(`-oper ${oper} takes one id; '${more}' is too many`)
  await run(session, id, given)
}

function known<W extends string>(flag: string, word: string | undefined, words: readonly W[]): W {
  const found = words.find((candidate) => candidate === word)
  if (found !== undefined) return found
  const is = word === undefined ? 'is missing' : `is not ${JSON.stringify(word)}`
  throw usage(`${flag} ${is}: it is one of ${words.join(', ')}`)
}

async function getGlobal(session: Session, id: string): Promise<void> {
  const cluster = id === 'global'
  if (cluster) session.printJson(await session.ask(globalRoutes.inspect, { key: id }, undefined))
  else await getResource('global')(session, id)
}

/** The id is a tenant's. */
function getResource(kind: string) {
  return async (session: Session, id: string) =>
    session.printJson(await session.ask(intentRoutes.resource, { kind, tenant: id }, undefined))
}

async function createGlobal(session: Session, id: string, given: Given): Promise<void> {
  const tenant = {
    ...element('Name', id),
    ...element('DefaultNetType', given.tagType),
    ...element('SubnetPool', given.subnet),
    ...element('AllocSubnetLen', given.allocSubnetLen),
    ...element('VLANs', given.vlans),
    ...element('VXLANs', given.vxlans),
  }
  session.printAnswer(await session.ask(intentRoutes.add, {}, { Tenants: [tenant] }))
}

async function createNetwork(session: Session, id: string, given: Given): Promise<void> {
  const network = {
    ...element('Name', plainName(id, given.tenant)),
    ...element('PktTagType', given.tagType),
    ...element('PktTag', unlessAuto(given.tag)),
    ...element('SubnetCIDR', lengthOf(given)),
    ...element('Gateway', given.gateway),
  }
  session.printAnswer(await session.ask(intentRoutes.add, {}, oneNetwork(given.tenant, network)))
}

/** A length alone asks for an automatic subnet of it. */
function lengthOf({ subnet, allocSubnetLen }: Given): string | undefined {
  return subnet === undefined && allocSubnetLen !== undefined ? `0/${allocSubnetLen}` : unlessAuto(subnet)
}

async function createEndpoint(session: Session, id: string, given: Given): Promise<void> {
  if (given.netId === undefined) throw usage('-oper create -construct endpoint needs the network: -net-id NETWORK')
  const { tenant, networkName, id: netId } = await findNetwork(session, given.netId, given)
  const container = given.containerId ?? withoutPrefix(id, [`${netId}-`, `${given.netId}-`])
  const endpoint = {
    ...element('Container', container),
    ...element('Host', given.host),
    ...element('AttachUUID', given.attachUuid),
    ...element('IPAddress', unlessAuto(given.ipAddress)),
    // What the user calls it, when that is not what it is called anyway.
    ...element('ID', id === `${netId}-${container}` ? undefined : id),
  }
  session.printAnswer(
    await session.ask(intentRoutes.add, {}, oneNetwork(tenant, { Name: networkName, Endpoints: [endpoint] })),
  )
}

async function deleteGlobal(session: Session, id: string): Promise<void> {
  const answer = await session.ask(intentRoutes.remove, {}, { Tenants: [{ Name: id }] })
  finishDelete(session, answer, `tenant ${id}`)
}

async function deleteNetwork(session: Session, id: string, given: Given): Promise<void> {
  const { tenant, networkName } = await findNetwork(session, id, given)
  const answer = await session.ask(intentRoutes.remove, {}, oneNetwork(tenant, { Name: networkName }))
  finishDelete(session, answer, `network ${tenant}:${networkName}`)
}

/** Who deletes one thing wants it gone: that it stays is a failure. */
function finishDelete(session: Session, answer: IntentAnswer, what: string): void {
  const [kept] = answer.kept
  if (kept !== undefined) throw new NetpluginError('conflict', 'KEPT', `${what} was not deleted: ${kept.why}`)
  if (answer.changes.length === 0) throw new NetpluginError('not-found', 'NOTHING_TO_DELETE', `${what} not found`)
  session.printAnswer(answer)
}

async function deleteEndpoint(session: Session, id: string): Promise<void> {
  const { endpointID } = await session.ask(intentRoutes.removeEndpoint, { key: id }, undefined)
  session.print(`removed endpoint ${endpointID}\n`)
}

async function attach(session: Session, id: string, given: Given): Promise<void> {
  const { containerId, attachUuid } = given
  if (containerId === undefined && attachUuid === undefined) {
    throw usage('-oper attach needs the container: -container-id NAME, -attach-uuid ID or both')
  }
  const state = await session.ask(intentRoutes.attach, { key: id }, containerOf(given))
  session.print(`endpoint ${state.endpointID} is for container ${state.containerName || state.attachUUID}\n`)
}

async function detach(session: Session, id: string, given: Given): Promise<void> {
  const state = await session.ask(intentRoutes.detach, { key: id }, containerOf(given))
  session.print(`endpoint ${state.endpointID} is for no container\n`)
}

function containerOf({ containerId = '', attachUuid = '', host = '' }: Given) {
  return { Container: containerId, AttachUUID: attachUuid, Host: host }
}

/** A network by `network.tenant`, or by its name in the tenant of -tenant. */
async function findNetwork(session: Session, id: string, { tenant }: Given) {
  const inTenant = tenant === 'default' || id.endsWith(`.${tenant}`) ? id : `${id}.${tenant}`
  return session.ask(intentRoutes.network, { key: inTenant }, undefined)
}

function plainName(id: string, tenant: string): string {
  return id.endsWith(`.${tenant}`) ? id.slice(0, -tenant.length - 1) : id
}

function withoutPrefix(id: string, prefixes: readonly string[]): string {
  const prefix = prefixes.find((each) => id.startsWith(each) && id.length > each.length)
  return prefix === undefined ? id : id.slice(prefix.length)
}

function oneNetwork(tenant: string, network: Readonly<Record<string, unknown>>) {
  return { Tenants: [{ Name: tenant, Networks: [network] }] }
}

function unlessAuto(value: string | undefined): string | undefined {
  return value === 'auto' ? undefined : value
}

function element(name: string, value: string | number | undefined): Readonly<Record<string, string | number>> {
  return value === undefined ? {} : { [name]: value }
}
