import { bodyRoute } from '../route.ts'
import { objectRoutes } from './object.ts'

export const ruleRoutes = {
  ...objectRoutes('rules', 'rule', async () => {
    const { ruleBody, ruleView, ruleInspect } = await import('../../model/rule.ts')
    return { body: ruleBody, view: ruleView, inspect: ruleInspect }
  }),
  cost: bodyRoute(
    'POST',
    '/api/v1/inspect/rules/:key/cost/',
    'what a rule would cost hosts in flows; refused like the rule itself, and nothing is stored',
    async () => {
      const [{ ruleBody }, { ruleCostAnswer }] = await Promise.all([
        import('../../model/rule.ts'),
        import('../../model/policy-cost.ts'),
      ])
      return { body: ruleBody, answer: ruleCostAnswer }
    },
  ),
} as const
