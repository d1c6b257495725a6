// One definition of an endpoint: method, path, schemas of body and answer. The server, the typed client and the reference
// page are made from it. Schemas are loaded on demand, so that the command line does not pay for them at start.

import type { ZodType } from 'zod'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export interface Schemas<Body, Answer> {
  /** Parses the body; absent for requests without one. */
  readonly body?: ZodType<Body>
  /** Describes the answer: for documents and tests; servers do not re-check what they made. */
  readonly answer: ZodType<Answer>
  /** Of routes that answer a list which can be filtered and read in pages (list-query.ts): one item of it. */
  readonly item?: ZodType
}

/** `Input` is what a client may send, `Body` what the server gets after defaults are filled in. */
export interface Route<Input, Body, Answer> {
  readonly method: Method
  /** With `:name` for parameters. */
  readonly path: string
  /** One sentence for the reference page. */
  readonly summary: string
  readonly schemas: () => Promise<Schemas<Body, Answer>>
  /** Requests may be conditional; answers that show an object carry its entity tag. */
  readonly tagged?: boolean
  /** Never set: carries the type of what a client sends. */
  readonly input?: Input
}

/** A route of any types: what is said of all of them alike. */
export type AnyRoute = Route<unknown, unknown, unknown>

/** A route whose requests have no body. */
export function queryRoute<Answer>(
  method: Method,
  path: string,
  summary: string,
  answer: () => Promise<ZodType<Answer>>,
): Route<undefined, undefined, Answer> {
  return { method, path, summary, schemas: async () => ({ answer: await answer() }) }
}

/** A route that answers a list; the query string can filter it and ask for pages. */
export function listRoute<Item>(
  path: string,
  summary: string,
  load: () => Promise<ZodType<Item>>,
): Route<undefined, undefined, readonly Item[]> {
  const schemas = async () => {
    const item = await load()
    return { item, answer: item.array() }
  }
  return { method: 'GET', path, summary, schemas }
}

/** A route whose requests carry a JSON body. */
export function bodyRoute<Input, Body, Answer>(
  method: 'POST' | 'PUT',
  path: string,
  summary: string,
  load: () => Promise<{ readonly body: ZodType<Body, Input>; readonly answer: ZodType<Answer> }>,
): Route<Input, Body, Answer> {
  return { method, path, summary, schemas: load }
}

/** The same route for an object that has entity tags. */
export function tagged<Input, Body, Answer>(route: Route<Input, Body, Answer>): Route<Input, Body, Answer> {
  return { ...route, tagged: true }
}

/** The path with its parameters filled in. Colons stay readable: keys are `tenant:name`. */
export function fillPath(path: string, parameters: Readonly<Record<string, string>>): string {
  return path.replace(/:([a-zA-Z]+)/g, (_, name: string) =>
    encodeURIComponent(parameters[name] ?? '').replaceAll('%3A', ':'),
  )
}
