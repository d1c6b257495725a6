import { objectRoutes } from './object.ts'

export const extContractsGroupRoutes = objectRoutes('extContractsGroups', 'external contracts group', async () => {
  const { extContractsGroupBody, extContractsGroupView, extContractsGroupInspect } = await import(
    '../../model/ext-contracts-group.ts'
  )
  return { body: extContractsGroupBody, view: extContractsGroupView, inspect: extContractsGroupInspect }
})
