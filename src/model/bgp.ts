// BGP speakers (specification 2.2, 5.11): one object for each host that exchanges routes with a router outside.

import { z } from 'zod'
import { parseIpv4, parseIpv4Prefix } from '../lib/address.ts'
import type { Problem } from '../lib/errors.ts'
import { apiObject, omitEmpty, problem, requiredName } from './body.ts'
import type { BgpRecord } from './state.ts'

const shortText = z.string().max(64, 'is longer than 64 characters').default('')

export const bgpBody = apiObject({
  /** The host's label: the name of its node. */
  hostname: requiredName(256),
  /** The host's own address towards the router, `a.b.c.d/len`. */
  routerip: z.string().min(1, 'is missing or empty: give address/length, for example 50.1.1.2/24').max(64),
  as: shortText,
  'neighbor-as': shortText,
  neighbor: z
    .string()
    .refine((text) => text === '' || parseIpv4(text) !== undefined, 'is not an IPv4 address')
    .default(''),
})
export type BgpBody = z.output<typeof bgpBody>
export type BgpInput = z.input<typeof bgpBody>

export const bgpView = z.object({
  key: z.string(),
  as: z.string().optional(),
  hostname: z.string(),
  neighbor: z.string().optional(),
  'neighbor-as': z.string().optional(),
  routerip: z.string(),
})
export type BgpView = z.infer<typeof bgpView>

/** What the host's speaker says; empty while none runs. */
export const bgpOper = z.object({
  adminStatus: z.string().optional(),
  neighborStatus: z.string().optional(),
  numRoutes: z.int().optional(),
  routes: z.array(z.string()).optional(),
})
export type BgpOper = z.infer<typeof bgpOper>

export const bgpInspect = z.object({ Config: bgpView, Oper: bgpOper })
export type BgpInspect = z.infer<typeof bgpInspect>

/** Lengths 1..31, a host address, and AS numbers of 32 bits (RFC 6793). */
export function checkBgp(body: BgpBody): Problem | undefined {
  const prefix = parseIpv4Prefix(body.routerip)
  const address = parseIpv4(body.routerip.replace(/\/.*$/, ''))
  const bad = (why: string) =>
    problem('invalid', 'INVALID_ROUTER_IP', `routerip ${JSON.stringify(body.routerip)} ${why}`, { field: 'routerip' })
  if (prefix === undefined || address === undefined) return bad('is not address/length; write it as 50.1.1.2/24')
  if (prefix.length < 1 || prefix.length > 31) return bad('must have a length from 1 to 31')
  // A /31 link has two hosts and nothing else (RFC 3021).
  const last = prefix.base + 2 ** (32 - prefix.length) - 1
  if (prefix.length < 31 && (address === prefix.base || address === last)) {
    return bad('is not a host address of its subnet; give the address this host has in it')
  }
  for (const field of ['as', 'neighbor-as'] as const) {
    const text = body[field]
    if (text === '' || (/^[1-9]\d{0,9}$/.test(text) && Number(text) <= 4_294_967_295)) continue
    const message = `${field} ${JSON.stringify(text)} is not an AS number; give one from 1 to 4294967295`
    return problem('invalid', 'INVALID_AS_NUMBER', message, { field })
  }
  if (parseIpv4(body.neighbor) !== address) return undefined
  const message = `neighbor ${body.neighbor} is the address of the host itself; give that of the router outside`
  return problem('invalid', 'NEIGHBOR_IS_ROUTER', message, { field: 'neighbor' })
}

export function bgpFromBody(body: BgpBody): BgpRecord {
  const { hostname, routerip, as, neighbor } = body
  return { hostname, routerip, as, neighborAs: body['neighbor-as'], neighbor }
}

export function renderBgp(record: BgpRecord): BgpView {
  return {
    key: record.hostname,
    ...omitEmpty({ as: record.as }),
    hostname: record.hostname,
    ...omitEmpty({ neighbor: record.neighbor, 'neighbor-as': record.neighborAs }),
    routerip: record.routerip,
  }
}
