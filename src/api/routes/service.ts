// What a server says about itself.

import { queryRoute } from '../route.ts'

const load = () => import('../../model/service.ts')

export const serviceRoutes = {
  version: queryRoute('GET', '/version', 'version of the server', async () => (await load()).versionView),
  info: queryRoute('GET', '/info', 'who serves, and the nodes it knows', async () => (await load()).infoView),
  health: queryRoute('GET', '/healthz', 'whether requests can be served', async () => (await load()).healthView),
} as const
