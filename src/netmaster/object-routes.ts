// The routes every object of the public API has, over its decisions.

import type { FastifyInstance } from 'fastify'
import type { ObjectRoutes } from '../api/routes/object.ts'
import { isProblem } from '../model/body.ts'
import type { Cluster } from './cluster.ts'
import { checkConditions, etagOf } from './conditions.ts'
import { type Call, serve } from './http.ts'
import { serveList } from './http-list.ts'
import type { ObjectKind } from './objects/object.ts'
import type { View } from './tables.ts'

export async function addObject<Input, Body, Rendered, Inspected>(
  app: FastifyInstance,
  cluster: Cluster,
  routes: ObjectRoutes<Input, Body, Rendered, Inspected>,
  kind: ObjectKind<Body, Rendered, Inspected>,
): Promise<void> {
  const keyOf = ({ parameters }: Call<unknown>) => parameters.key ?? ''
  /** What a request demands of the object as it is when the transaction is decided. */
  const demand = (view: View, key: string, { headers }: Call<unknown>) => {
    if (headers['if-match'] === undefined && headers['if-none-match'] === undefined) return undefined
    const current = kind.get(view, key)
    return checkConditions(headers, isProblem(current) ? undefined : etagOf(JSON.stringify(current)), key)
  }
  await serveList(app, routes.list, () => ({
    keys: kind.keys(cluster.view),
    get: (key) => {
      const found = kind.get(cluster.view, key)
      return isProblem(found) ? undefined : found
    },
  }))
  await serve(app, routes.get, (call) => kind.get(cluster.view, keyOf(call)))
  await serve(app, routes.inspect, (call) => kind.inspect(cluster.view, keyOf(call)))
  await serve(app, routes.remove, async (call) => {
    const key = keyOf(call)
    return (await cluster.transact((view) => demand(view, key, call) ?? kind.remove(view, key))).result
  })
  for (const route of [routes.put, routes.replace]) {
    const put = async (call: Call<Body>) => {
      const key = keyOf(call)
      return (await cluster.transact((view) => demand(view, key, call) ?? kind.put(view, key, call.body))).result
    }
    await serve(app, route, put)
  }
}
