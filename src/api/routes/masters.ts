// Between masters on one store. Not for users: these paths may change with each version.

import { bodyRoute } from '../route.ts'

const load = () => import('../../model/masters.ts')

export const masterRoutes = {
  news: bodyRoute('POST', '/internal/v1/masters/news', 'a master passes on what nodes told it', async () => {
    const { newsBody, newsAnswer } = await load()
    return { body: newsBody, answer: newsAnswer }
  }),
  counts: bodyRoute('POST', '/internal/v1/masters/counts', 'a master asks nodes that follow another one', async () => {
    const { askBody, askAnswer } = await load()
    return { body: askBody, answer: askAnswer }
  }),
} as const
