// Packets the switch answers by itself: a request is turned into its reply and sent back out of the port it came from.

import type { Action, FieldName } from '../../protocols/openflow/index.ts'
import { range } from './fields.ts'

function move(from: FieldName, to: FieldName, bits: number): Action {
  return { type: 'move', from: { field: from, offset: 0, bits }, to: { field: to, offset: 0, bits } }
}

function set(field: FieldName, value: number | string): Action {
  return { type: 'set_field', field, value }
}

const sendBack: Action = { type: 'output', port: 'in_port' }

function turnFrame(mac: string): Action[] {
  return [move('eth_src', 'eth_dst', 48), set('eth_src', mac)]
}

/** An ARP request for `address` becomes the reply "`address` is at `mac`" (RFC 826). */
export function answerArp(address: string, mac: string): Action[] {
  return [
    ...turnFrame(mac),
    set('arp_op', 2),
    move('arp_sha', 'arp_tha', 48),
    move('arp_spa', 'arp_tpa', 32),
    set('arp_sha', mac),
    set('arp_spa', address),
    sendBack,
  ]
}

/** The same for whatever address is asked for: sender and target change places. */
export function answerAnyArp(mac: string): Action[] {
  const scratch = range('Scratch')
  const address = (field: FieldName) => ({ field, offset: 0, bits: 32 })
  return [
    ...turnFrame(mac),
    set('arp_op', 2),
    move('arp_sha', 'arp_tha', 48),
    set('arp_sha', mac),
    { type: 'move', from: address('arp_spa'), to: scratch },
    move('arp_tpa', 'arp_spa', 32),
    { type: 'move', from: scratch, to: address('arp_tpa') },
    sendBack,
  ]
}

/** First half of a neighbour advertisement (RFC 4861): everything but flags and option, see `finishAdvertisement`. */
export function beginAdvertisement(target: string, mac: string): Action[] {
  return [
    ...turnFrame(mac),
    move('ipv6_src', 'ipv6_dst', 128),
    set('ipv6_src', target),
    set('icmpv6_type', 136),
    set('nd_options_type', 2),
  ]
}

/** The same for whatever address is asked for. */
export function beginAnyAdvertisement(mac: string): Action[] {
  return [
    ...turnFrame(mac),
    move('ipv6_src', 'ipv6_dst', 128),
    move('nd_target', 'ipv6_src', 128),
    set('icmpv6_type', 136),
    set('nd_options_type', 2),
  ]
}

/** Second half: solicited and override flags, and the link-layer address, which the first half left in eth_src. */
export function finishAdvertisement(): Action[] {
  return [set('nd_reserved', 0x60000000), move('eth_src', 'nd_tll', 48), sendBack]
}

/** An ICMP echo request becomes its reply. */
export function answerEcho(address: string, mac: string): Action[] {
  return [
    ...turnFrame(mac),
    move('ipv4_src', 'ipv4_dst', 32),
    set('ipv4_src', address),
    set('icmpv4_type', 0),
    set('nw_ttl', 64),
    sendBack,
  ]
}

export function answerEcho6(address: string, mac: string): Action[] {
  return [
    ...turnFrame(mac),
    move('ipv6_src', 'ipv6_dst', 128),
    set('ipv6_src', address),
    set('icmpv6_type', 129),
    set('nw_ttl', 64),
    sendBack,
  ]
}
