import { objectRoutes } from './object.ts'

export const policyRoutes = objectRoutes('policys', 'policy', async () => {
  const { policyBody, policyView, policyInspect } = await import('../../model/policy.ts')
  return { body: policyBody, view: policyView, inspect: policyInspect }
})
