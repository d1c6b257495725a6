import { objectRoutes } from './object.ts'

export const ruleRoutes = objectRoutes('rules', 'rule', async () => {
  const { ruleBody, ruleView, ruleInspect } = await import('../../model/rule.ts')
  return { body: ruleBody, view: ruleView, inspect: ruleInspect }
})
