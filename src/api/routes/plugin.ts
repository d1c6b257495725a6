// Requests of a node on behalf of its runtime (specification 3.2).

import { bodyRoute } from '../route.ts'

const load = () => import('../../model/plugin.ts')

export const pluginRoutes = {
  allocAddress: bodyRoute('POST', '/plugin/allocAddress', 'reserve an address', async () => {
    const { allocAddressBody, allocAddressAnswer } = await load()
    return { body: allocAddressBody, answer: allocAddressAnswer }
  }),
  releaseAddress: bodyRoute('POST', '/plugin/releaseAddress', 'give back a reserved address', async () => {
    const { releaseAddressBody, releaseAddressAnswer } = await load()
    return { body: releaseAddressBody, answer: releaseAddressAnswer }
  }),
  createEndpoint: bodyRoute(
    'POST',
    '/plugin/createEndpoint',
    'make an endpoint; the same id again changes nothing',
    async () => {
      const { createEndpointBody, endpointAnswer } = await load()
      return { body: createEndpointBody, answer: endpointAnswer }
    },
  ),
  deleteEndpoint: bodyRoute(
    'POST',
    '/plugin/deleteEndpoint',
    'remove an endpoint; an unknown one is no error',
    async () => {
      const { deleteEndpointBody, endpointAnswer } = await load()
      return { body: deleteEndpointBody, answer: endpointAnswer }
    },
  ),
  updateEndpoint: bodyRoute('POST', '/plugin/updateEndpoint', 'tell names and labels of a container', async () => {
    const { updateEndpointBody, updateEndpointAnswer } = await load()
    return { body: updateEndpointBody, answer: updateEndpointAnswer }
  }),
} as const
