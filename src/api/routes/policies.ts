import { queryRoute } from '../route.ts'
import { objectRoutes } from './object.ts'

export const policyRoutes = {
  ...objectRoutes('policys', 'policy', async () => {
    const { policyBody, policyView, policyInspect } = await import('../../model/policy.ts')
    return { body: policyBody, view: policyView, inspect: policyInspect }
  }),
  cost: queryRoute(
    'GET',
    '/api/v1/inspect/policys/:key/cost/',
    'what the rules of a policy cost hosts in flows',
    async () => (await import('../../model/policy-cost.ts')).policyCostAnswer,
  ),
  stats: queryRoute(
    'GET',
    '/api/v1/inspect/policys/:key/stats/',
    'packets and bytes that each rule of a policy has let through or stopped',
    async () => (await import('../../model/counts.ts')).policyStatsAnswer,
  ),
} as const
