// Answers from the names of the asker's tenant (RFC 1035; RFC 2308 for what is not there; RFC 2782 for SRV). Each name
// that we know is a zone of its own: its SOA record says for how long nothing may be remembered.

import type { Member } from '../core/names/members.ts'
import type { NameTable } from '../core/names/name-table.ts'
import {
  type Answer,
  addressOfReverseName,
  addressSet,
  isName,
  localAnswer,
  type Question,
  type RecordSet,
  type ResourceRecord,
} from '../protocols/dns/index.ts'

/** Containers come and go: nobody should remember them for long. */
export const ttlSeconds = 5

/** Where a question comes from. */
export interface From {
  readonly tenant: string
  readonly network: string
}

interface Sets {
  readonly ipv4: RecordSet
  readonly ipv6: RecordSet
}

/** Encoded once for each list of members, which the table replaces when it changes. */
const encoded = new WeakMap<readonly Member[], Sets>()

/**
 * undefined when the name is none of the tenant's. Clients use the first address: each answer starts with another one.
 * `random` gives 0..1.
 */
export function localNames(question: Question, from: From, table: NameTable, random: () => number): Answer | undefined {
  const { type } = question
  const asked = lowerName(question.name)
  const reverse = asked.endsWith('.arpa') ? addressOfReverseName(asked) : undefined
  if (reverse !== undefined) return reverseAnswer(question, from, table, reverse)
  if (asked.startsWith('_')) return serviceAnswer(question, asked, from, table, random)
  const members = table.membersOf(from.tenant, from.network, asked)
  if (members === undefined) return undefined
  const { ipv4, ipv6 } = setsOf(members)
  if (type === 'A' && ipv4.count > 0) return { kind: 'set', set: ipv4, first: pick(ipv4.count, random) }
  if (type === 'AAAA' && ipv6.count > 0) return { kind: 'set', set: ipv6, first: pick(ipv6.count, random) }
  if (type !== 'ANY') return noData(question)
  const addresses = rotated(members.slice(0, maxListed), random).flatMap((member) => addressesOf(member, question.name))
  return localAnswer(addresses)
}

/** More than that fit into no message. */
const maxListed = 1_000

function lowerName(name: string): string {
  const lower = name.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

function pick(count: number, random: () => number): number {
  return count === 1 ? 0 : Math.floor(random() * count)
}

function rotated<T>(items: readonly T[], random: () => number): readonly T[] {
  const start = pick(items.length, random)
  return [...items.slice(start), ...items.slice(0, start)]
}

function setsOf(members: readonly Member[]): Sets {
  const known = encoded.get(members)
  if (known !== undefined) return known
  const of = (addresses: readonly string[]) => addresses.filter((address) => address !== '')
  const sets = {
    ipv4: addressSet('A', of(members.map(({ ipv4 }) => ipv4)), ttlSeconds),
    ipv6: addressSet('AAAA', of(members.map(({ ipv6 }) => ipv6)), ttlSeconds),
  }
  encoded.set(members, sets)
  return sets
}

function addressesOf({ ipv4, ipv6 }: Member, name: string): ResourceRecord[] {
  const records: ResourceRecord[] = []
  if (ipv4 !== '') records.push({ type: 'A', name, ttl: ttlSeconds, data: ipv4 })
  if (ipv6 !== '') records.push({ type: 'AAAA', name, ttl: ttlSeconds, data: ipv6 })
  return records
}

/** The name is there, but has nothing of this type. */
function noData({ name, type }: Question): Answer {
  const zone: ResourceRecord = {
    type: 'SOA',
    name,
    ttl: ttlSeconds,
    data: { mname: '.', rname: '.', serial: 1, refresh: 60, retry: 60, expire: 60, minimum: ttlSeconds },
  }
  return type === 'SOA' ? localAnswer([zone]) : localAnswer([], { authorities: [zone] })
}

function reverseAnswer(question: Question, from: From, table: NameTable, address: string): Answer | undefined {
  const member = table.memberAt(from.tenant, from.network, address)
  if (member === undefined) return undefined
  const { name, type } = question
  if (type !== 'PTR' && type !== 'ANY') return noData(question)
  const own = member.network.toLowerCase() === from.network.toLowerCase()
  const found = own ? writable(member, (name) => name) : fullName(member)
  return found === undefined ? noData(question) : localAnswer([{ type: 'PTR', name, ttl: ttlSeconds, data: found }])
}

/** The name that leads to a member from all networks of its tenant. */
function fullName(member: Member): string | undefined {
  return writable(member, (name) => `${name}.${member.network}`)
}

/** The first of a member's names that DNS can hold: Docker takes longer ones. */
function writable({ service, names, group }: Member, spell: (name: string) => string): string | undefined {
  return [service, ...names, group]
    .filter((name) => name !== '')
    .map(spell)
    .find(isName)
}

/** Ports that have names which everybody knows (IANA); others are asked for by number. */
const knownPorts: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  domain: 53,
  smtp: 25,
  imap: 143,
  ldap: 389,
  ssh: 22,
  mysql: 3306,
  postgresql: 5432,
  redis: 6379,
  amqp: 5672,
}

/** `_80._tcp.web`, `_http._tcp.web.front`: where that port of each member is. */
function serviceAnswer(
  question: Question,
  asked: string,
  from: From,
  table: NameTable,
  random: () => number,
): Answer | undefined {
  const [, service = '', protocol = '', name = ''] = /^_([a-z0-9-]+)\._(tcp|udp|sctp)\.(.+)$/.exec(asked) ?? []
  const members = name === '' ? undefined : table.membersOf(from.tenant, from.network, name)
  if (members === undefined) return undefined
  const port = knownPorts[service] ?? (/^\d{1,5}$/.test(service) ? Number(service) : 0)
  const serving = members.filter(({ service: own, ports }) => own === '' || ports.includes(`${protocol}/${port}`))
  if (port < 1 || port > 65_535 || serving.length === 0) return noSuchName(question)
  if (question.type !== 'SRV' && question.type !== 'ANY') return noData(question)
  const answers: ResourceRecord[] = []
  const additionals: ResourceRecord[] = []
  for (const member of rotated(serving.slice(0, maxListed), random)) {
    const target = fullName(member)
    if (target === undefined) continue
    const data = { priority: 0, weight: 0, port, target }
    answers.push({ type: 'SRV', name: question.name, ttl: ttlSeconds, data })
    additionals.push(...addressesOf(member, target))
  }
  return localAnswer(answers, { additionals })
}

/** Nobody else can know a name below one of ours. */
function noSuchName(question: Question): Answer {
  const answer = noData({ ...question, type: 'SRV' })
  return answer.kind === 'records' ? { ...answer, rcode: 'NXDOMAIN' } : answer
}
