// Truth tables of policies: who may open what to whom, as the reference evaluator says, and what real packets said of it.

import assert from 'node:assert/strict'
import { evaluatePolicy, type PolicyVerdict } from '../../src/core/policy/evaluate.ts'
import { textTable } from '../../src/lib/text-table.ts'
import type { ClusterState, EndpointRecord } from '../../src/model/state.ts'
import { mayReach } from './cluster.ts'
import type { Outcome, Probe, Prober, Seat, Service } from './prober.ts'

export interface Row {
  /** Endpoint ids. */
  readonly from: string
  readonly to: string
  readonly isV6: boolean
  readonly service: Service
  readonly verdict: PolicyVerdict
}

export interface Tried extends Row {
  readonly outcome: Outcome
}

/** Each service of each endpoint for each other one that has a way to it. */
export function truthTable(state: ClusterState, services: readonly Service[]): Row[] {
  const rows: Row[] = []
  for (const from of state.endpoints.values()) {
    for (const to of state.endpoints.values()) {
      if (from === to) continue
      for (const isV6 of [false, true]) {
        if (!mayReach(state, from.endpointId, to.endpointId, isV6)) continue
        for (const service of services) {
          const verdict = evaluatePolicy(state, opening(from, to, isV6, service))
          rows.push({ from: from.endpointId, to: to.endpointId, isV6, service, verdict })
        }
      }
    }
  }
  return rows
}

const protocols = { tcp: { v4: 6, v6: 6 }, udp: { v4: 17, v6: 17 }, icmp: { v4: 1, v6: 58 } }

function opening(from: EndpointRecord, to: EndpointRecord, isV6: boolean, { kind, port }: Service) {
  const [source, destination] = isV6 ? [from.ipv6, to.ipv6] : [from.ipv4, to.ipv4]
  return { tenantName: from.tenantName, source, destination, protocol: protocols[kind][isV6 ? 'v6' : 'v4'], port }
}

/** With the IPv6 addresses that netmaster chose. */
export function withAddresses(state: ClusterState, seats: ReadonlyMap<string, Seat>): ClusterState {
  const endpoints = [...state.endpoints].map(([id, record]) => {
    const { ipv4, ipv6 } = seats.get(id) ?? record
    return [id, { ...record, ipv4, ipv6 }] as const
  })
  return { ...state, endpoints: new Map(endpoints) }
}

/** Every row by real packets; once more, for what should have opened and did not. */
export async function tryAll(
  state: ClusterState,
  services: readonly Service[],
  seats: ReadonlyMap<string, Seat>,
  prober: Prober,
): Promise<Tried[]> {
  const rows = new Map<Probe, Row>()
  for (const row of truthTable(state, services)) {
    const [from, to] = [seats.get(row.from), seats.get(row.to)]
    assert.ok(from && to)
    rows.set({ from, to, isV6: row.isV6, service: row.service, expected: row.verdict.allowed }, row)
  }
  const outcomes = await prober.probe([...rows.keys()])
  const missing = outcomes.filter(({ probe, answered }) => probe.expected && !answered)
  const again = await prober.probe(missing.map(({ probe }) => probe))
  return [...outcomes.filter((outcome) => !missing.includes(outcome)), ...again].map((outcome) => {
    const row = rows.get(outcome.probe)
    assert.ok(row)
    return { ...row, outcome }
  })
}

/** 0 to 1. */
export function deniedShare(rows: readonly Row[]): number {
  return rows.filter(({ verdict }) => !verdict.allowed).length / rows.length
}

const mostRows = 20

/** Fails with the rows that are wrong. `what` says which table it is, and how to make it again. */
export function assertTable(tried: readonly Tried[], what: string): void {
  const wrong = tried.filter(({ outcome }) => !isRight(outcome))
  if (wrong.length === 0) return
  const columns = ['from', 'to', 'family', 'service', 'expected', 'seen', 'out', 'in'].map((title) => ({ title }))
  const head = `${wrong.length} of ${tried.length} connections are wrong; ${what}`
  assert.fail(`${head}\n${textTable(columns, wrong.slice(0, mostRows).map(cells))}`)
}

/** An answer and one hearer, or neither. */
export function isRight({ probe, answered, heardBy }: Outcome): boolean {
  const hearers = probe.expected ? probe.to.name : ''
  return answered === probe.expected && [...heardBy].join(' ') === hearers
}

function cells({ from, to, isV6, service, verdict, outcome }: Tried): string[] {
  const heard = `heard by ${[...outcome.heardBy].join(' ') || 'nobody'}`
  return [
    from,
    to,
    isV6 ? 'IPv6' : 'IPv4',
    service.port === 0 ? service.kind : `${service.kind} ${service.port}`,
    verdict.allowed ? 'open' : 'closed',
    `${outcome.answered ? 'open' : 'closed'}, ${heard}`,
    verdict.egress?.key ?? 'no rule',
    verdict.ingress?.key ?? 'no rule',
  ]
}
