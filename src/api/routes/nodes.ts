// Between agents and netmaster. Not for users: these paths may change with the protocol version.

import { bodyRoute, queryRoute } from '../route.ts'

const load = () => import('../../model/node.ts')

export const nodeRoutes = {
  list: queryRoute('GET', '/internal/v1/nodes', 'all nodes and whether they live', async () => {
    return (await load()).nodeView.array()
  }),
  applied: queryRoute(
    'GET',
    '/internal/v1/nodes/applied/:revision',
    'all nodes, as soon as those that live have a revision in force; after half a second in any case',
    async () => (await load()).nodeView.array(),
  ),
  remove: queryRoute(
    'DELETE',
    '/internal/v1/nodes/:node',
    'forget a node that is gone, and its endpoints',
    async () => {
      return (await load()).nodeRemoved
    },
  ),
  register: bodyRoute('POST', '/internal/v1/nodes/:node/register', 'a node says who it is', async () => {
    const { registerBody, registerAnswer } = await load()
    return { body: registerBody, answer: registerAnswer }
  }),
  heartbeat: bodyRoute('POST', '/internal/v1/nodes/:node/heartbeat', 'a node says that it lives', async () => {
    const { heartbeatBody, heartbeatAnswer } = await load()
    return { body: heartbeatBody, answer: heartbeatAnswer }
  }),
  counts: bodyRoute('POST', '/internal/v1/nodes/:node/counts', 'a node says what it has counted', async () => {
    const { countsBody, countsAnswer } = await import('../../model/counts.ts')
    return { body: countsBody, answer: countsAnswer }
  }),
  members: bodyRoute(
    'POST',
    '/internal/v1/nodes/:node/members',
    'a node says who listens to multicast groups',
    async () => {
      const { membersBody, membersAnswer } = await import('../../model/multicast.ts')
      return { body: membersBody, answer: membersAnswer }
    },
  ),
} as const

/** Newline-separated StreamMessage objects, until one side ends it. `members=1`: those about members of multicast groups, too. */
export const streamPath = '/internal/v1/nodes/:node/stream'
