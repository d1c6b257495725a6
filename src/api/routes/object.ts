// The routes every object of the public API has (specification 3.1): list, read, write, delete, inspect.

import type { ZodType } from 'zod'
import { bodyRoute, listRoute, queryRoute, type Route, tagged } from '../route.ts'

export interface ObjectSchemas<Input, Body, View, Inspect> {
  /** Parses what a client writes. */
  readonly body: ZodType<Body, Input>
  /** The object as it is rendered. */
  readonly view: ZodType<View>
  readonly inspect: ZodType<Inspect>
}

export interface ObjectRoutes<Input, Body, View, Inspect> {
  readonly plural: string
  readonly list: Route<undefined, undefined, readonly View[]>
  readonly get: Route<undefined, undefined, View>
  readonly put: Route<Input, Body, View>
  /** The same as `put` with the other method. */
  readonly replace: Route<Input, Body, View>
  /** Answers the key. */
  readonly remove: Route<undefined, undefined, string>
  readonly inspect: Route<undefined, undefined, Inspect>
}

export function objectRoutes<Input, Body, View, Inspect>(
  plural: string,
  noun: string,
  load: () => Promise<ObjectSchemas<Input, Body, View, Inspect>>,
): ObjectRoutes<Input, Body, View, Inspect> {
  const one = `/api/v1/${plural}/:key/`
  const write = async () => {
    const { body, view } = await load()
    return { body, answer: view }
  }
  return {
    plural,
    list: listRoute(`/api/v1/${plural}/`, `all ${plural}`, async () => (await load()).view),
    get: tagged(queryRoute('GET', one, `one ${noun}`, async () => (await load()).view)),
    put: tagged(bodyRoute('POST', one, `create or change a ${noun}`, write)),
    replace: tagged(bodyRoute('PUT', one, `create or change a ${noun}`, write)),
    remove: tagged(
      queryRoute('DELETE', one, `delete a ${noun}; answers its key`, async () => (await import('zod')).z.string()),
    ),
    inspect: queryRoute('GET', `/api/v1/inspect/${plural}/:key/`, `a ${noun} and how it is used`, async () => {
      return (await load()).inspect
    }),
  }
}
