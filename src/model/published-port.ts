// A port of the host that leads to a port of a container on it (`docker run -p`). IPv4.

import { z } from 'zod'
import { parseIpv4 } from '../lib/address.ts'

export const publishedProtocols = { tcp: 6, udp: 17, sctp: 132 } as const

const port = z.int().min(1).max(65_535)

export const publishedPort = z.object({
  protocol: z.enum(['tcp', 'udp', 'sctp']),
  /** Address of the host; empty: all of them. */
  hostAddress: z.string().refine((text) => text === '' || parseIpv4(text) !== undefined, 'is not an IPv4 address'),
  hostPort: port,
  /** Of the container. */
  port,
})
export type PublishedPort = Readonly<z.infer<typeof publishedPort>>

/** As Docker writes it: `0.0.0.0:8080->80/tcp`. */
export function formatPublished({ protocol, hostAddress, hostPort, port: inside }: PublishedPort): string {
  return `${hostAddress === '' ? '0.0.0.0' : hostAddress}:${hostPort}->${inside}/${protocol}`
}

/** Whether both want the same port of the same host. */
export function samePlace(a: PublishedPort, b: PublishedPort): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false
  return a.hostAddress === '' || b.hostAddress === '' || a.hostAddress === b.hostAddress
}
