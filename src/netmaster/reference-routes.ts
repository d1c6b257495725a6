// The API's description of itself, made when it is first asked for.

import type { FastifyInstance } from 'fastify'
import { describeApi, type OpenApiDocument } from '../api/openapi.ts'
import { referencePage } from '../api/reference-page.ts'
import type { AnyRoute } from '../api/route.ts'
import { referencePagePath, referenceRoutes } from '../api/routes/reference.ts'
import { serve } from './http.ts'

/** `routes`: what is served, also what is added later. */
export async function addReference(app: FastifyInstance, routes: readonly AnyRoute[], version: string): Promise<void> {
  let document: Promise<OpenApiDocument> | undefined
  const describe = () => {
    document ??= describeApi(routes, version)
    return document
  }
  await serve(app, referenceRoutes.openapi, async () => ({ ...(await describe()) }))
  app.get(referencePagePath, async (_request, reply) => {
    reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    return reply.type('text/html; charset=utf-8').send(referencePage(await describe()))
  })
}
