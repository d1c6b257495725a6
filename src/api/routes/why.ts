import { queryRoute } from '../route.ts'

export const whyRoutes = {
  /**
   * `source`, `destination`: a container's name or id, `group:NAME`, or an address; `connection`: `tcp:443`, `udp:53`,
   * `icmp`, or the number of a protocol.
   */
  ask: queryRoute(
    'GET',
    '/api/v1/inspect/why/:tenant/:source/:destination/:connection/',
    'whether a connection (tcp:443, icmp) from a container, group:NAME or address to another may be opened, and why',
    async () => (await import('../../model/why.ts')).whyAnswer,
  ),
} as const
