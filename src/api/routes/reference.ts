// The API about itself.

import { queryRoute } from '../route.ts'

export const referenceRoutes = {
  openapi: queryRoute('GET', '/api/v1/openapi.json', 'this API as an OpenAPI 3.1 document', async () => {
    const { z } = await import('zod')
    return z.record(z.string(), z.unknown())
  }),
} as const

/** A page for people, made from the same. */
export const referencePagePath = '/api/v1/docs'
