import { objectRoutes } from './object.ts'

export const endpointGroupRoutes = objectRoutes('endpointGroups', 'endpoint group', async () => {
  const { endpointGroupBody, endpointGroupView, endpointGroupInspect } = await import('../../model/endpoint-group.ts')
  return { body: endpointGroupBody, view: endpointGroupView, inspect: endpointGroupInspect }
})
