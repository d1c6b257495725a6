// Between masters on one store. Not for users: paths below /internal may change with each version.

import { bodyRoute, queryRoute } from '../route.ts'

const load = () => import('../../model/masters.ts')

export const masterRoutes = {
  handOver: queryRoute(
    'POST',
    '/api/v1/leader/handover/',
    'the leader gives its work in the background to another netmaster; any netmaster may be asked',
    async () => (await load()).handOverAnswer,
  ),
  resign: queryRoute(
    'POST',
    '/internal/v1/masters/resign',
    'a master that leads is to let another one',
    async () => (await load()).handOverAnswer,
  ),
  news: bodyRoute('POST', '/internal/v1/masters/news', 'a master passes on what nodes told it', async () => {
    const { newsBody, newsAnswer } = await load()
    return { body: newsBody, answer: newsAnswer }
  }),
  counts: bodyRoute('POST', '/internal/v1/masters/counts', 'a master asks nodes that follow another one', async () => {
    const { askBody, askAnswer } = await load()
    return { body: askBody, answer: askAnswer }
  }),
} as const
