// Veth pairs of a node: the host's end on the switch, the far end for a container. Whose a pair is stands in an alias, in the
// kernel, where it outlives us.
//
// Docker moves the far end into the container, so it begins in the namespace of the host. Over that of CNI an interface is made,
// and it stays: in a namespace of its own, the far namespace, where what happens to it is no event of the host. The switch looks
// at all its ports again with each of those. Such a pair has its alias on the far end; that of the host's end never changes.

import type { LinkInfo } from '../../protocols/netlink/index.ts'
import type { HostFacts, HostStep } from './host.ts'

/** Prefix of the alias of every veth that is ours. */
export const ownAliasPrefix = 'netplugin:'
/** Alias of a veth of ours that waits for an endpoint. */
export const reserveAlias = `${ownAliasPrefix}reserve`
/** The same for an endpoint of CNI. */
export const cniReserveAlias = `${reserveAlias}:cni`
/** Of the host's end, where the far end says whose the pair is. */
export const farAlias = `${ownAliasPrefix}far`
/** Device group of our veths ("np"): the one mark that can be set in the message that makes them. */
export const ownLinkGroup = 0x6e70

export interface DesiredVeth {
  readonly kind: 'veth'
  /** Host end, which the switch holds. */
  readonly name: string
  /** The far end: the runtime moves it into the container and renames it, or an interface is made over it. */
  readonly peer: string
  /** Whether the far end is to lie in the far namespace, where the host has one. */
  readonly isFar?: boolean
  /** Of the peer. */
  readonly mac: string
  readonly mtu: number
  /** `netplugin:<endpoint>`. */
  readonly alias: string
  /** False where a userspace switch passes packets on as they come. */
  readonly txChecksum: boolean
}

/** The other end of a veth, where it can be seen. */
export interface FarEnd {
  readonly link: LinkInfo
  /** Whether it lies in the far namespace; else in that of the host. */
  readonly isFar: boolean
}

type Facts = Pick<HostFacts, 'links' | 'farLinks'>

/** Whether the link is a veth that we made. */
export function isOwnVeth(link: LinkInfo): boolean {
  if (link.kind !== 'veth') return false
  return link.alias.startsWith(ownAliasPrefix) || (link.alias === '' && link.group === ownLinkGroup)
}

/** The alias that says whose the pair is; empty: nobody's. */
export function markOf(link: LinkInfo, farEnd: FarEnd | undefined): string {
  return link.alias === farAlias ? (farEnd?.link.alias ?? '') : link.alias
}

/** The endpoint that a veth of ours has by its mark; empty without one. */
export function endpointOfMark(mark: string): string {
  return isReserve(mark) || !mark.startsWith(ownAliasPrefix) ? '' : mark.slice(ownAliasPrefix.length)
}

function isReserve(mark: string | undefined): boolean {
  return mark === reserveAlias || mark === cniReserveAlias
}

/** The other end, where it is not in a container. */
export function findPeer(name: string, link: LinkInfo, { links, farLinks }: Facts): FarEnd | undefined {
  const here = links.get(name)
  if (here?.kind === 'veth' && here.peerIndex === link.index && here.peerNetnsId === undefined) {
    return { link: here, isFar: false }
  }
  const far = farLinks?.get(name)
  const isPair = far?.kind === 'veth' && far.peerIndex === link.index && link.peerIndex === far.index
  return far !== undefined && isPair && far.peerNetnsId !== undefined ? { link: far, isFar: true } : undefined
}

export function planVeth(veth: DesiredVeth, facts: HostFacts, steps: HostStep[]): void {
  const link = facts.links.get(veth.name)
  const peer = link && findPeer(veth.peer, link, facts)
  const isFar = veth.isFar === true && facts.farLinks !== undefined
  const mark = link && markOf(link, peer)
  const isFree = isReserve(mark) || (mark !== '' && veth.alias === cniReserveAlias)
  if (link === undefined || !isOwnVeth(link)) createVeth(veth, isFar, steps)
  // That of an older version may have its end elsewhere.
  else if (mark === veth.alias) mendVeth(veth, { link, peer }, steps)
  else if (peer?.isFar === isFar && isFree) claimVeth(veth, { link, peer }, steps)
  else {
    // Of another endpoint, or left without an alias by an agent that died: its other end cannot be trusted.
    steps.push({ kind: 'delete-link', name: link.name, index: link.index })
    createVeth(veth, isFar, steps)
  }
}

/** Both ends as they are; no peer: it is in a container. */
interface Pair {
  readonly link: LinkInfo
  readonly peer: FarEnd | undefined
}

function mendVeth(veth: DesiredVeth, { link, peer }: Pair, steps: HostStep[]): void {
  if (!link.up && !veth.txChecksum) steps.push({ kind: 'disable-tx-checksum', name: veth.name })
  if (peer !== undefined) {
    const at = peer.isFar ? { isFar: true } : {}
    if (!link.up && !veth.txChecksum) steps.push({ kind: 'disable-tx-checksum', name: veth.peer, ...at })
    // The runtime sees to it that the other kind is up.
    setLink(peer, { mtu: veth.mtu, mac: veth.mac, ...(peer.isFar ? { up: true } : {}) }, steps)
  }
  setLink({ link, isFar: false }, { mtu: veth.mtu, up: true }, steps)
}

function createVeth(veth: DesiredVeth, isFar: boolean, steps: HostStep[]): void {
  const { name, peer, mac, mtu, alias, txChecksum } = veth
  steps.push({ kind: 'create-veth', name, peer, mac, mtu, alias, txChecksum, ...(isFar ? { isFar } : {}) })
}

function claimVeth(
  { name, mtu, alias, ...veth }: DesiredVeth,
  { link, peer: { link: peer, isFar } }: { readonly link: LinkInfo; readonly peer: FarEnd },
  steps: HostStep[],
): void {
  const mac = peer.mac === veth.mac.toLowerCase() ? {} : { mac: veth.mac }
  const resize = link.mtu === mtu && peer.mtu === mtu ? {} : { mtu }
  const at = isFar ? { isFar } : {}
  steps.push({ kind: 'claim-veth', name, index: link.index, peerIndex: peer.index, ...mac, ...resize, alias, ...at })
}

interface LinkWish {
  readonly mtu: number
  readonly mac?: string
  readonly up?: boolean
}

/** The step that makes the link so, if it is not. */
export function setLink({ link, isFar }: FarEnd, wish: LinkWish, steps: HostStep[]): void {
  const mtu = link.mtu === wish.mtu ? {} : { mtu: wish.mtu }
  const mac = wish.mac === undefined || link.mac === wish.mac.toLowerCase() ? {} : { mac: wish.mac }
  const up = wish.up === undefined || link.up ? {} : ({ up: true } as const)
  const change = { ...mac, ...mtu, ...up }
  if (Object.keys(change).length === 0) return
  steps.push({ kind: 'set-link', name: link.name, index: link.index, ...change, ...(isFar ? { isFar } : {}) })
}
