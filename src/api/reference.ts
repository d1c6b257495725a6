// What the reference says, apart from how it looks: conventions, then the operations of each kind of object with the
// attributes of their bodies and answers.

import type { JsonSchema, OpenApiDocument, Operation } from './openapi.ts'

export interface Section {
  /** A plural of the API, or intents, plugin, nodes, service. */
  readonly title: string
  readonly operations: readonly PlacedOperation[]
  /** Of what is written, by name of the schema. */
  readonly bodies: ReadonlyMap<string, readonly Attribute[]>
}

export interface PlacedOperation {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

export interface Attribute {
  readonly name: string
  readonly type: string
  /** Bounds, pattern, default. */
  readonly rules: string
  readonly required: boolean
}

export const conventions: readonly { readonly title: string; readonly text: string }[] = [
  {
    title: 'Paths',
    text: 'A slash at the end is optional. /api/networks/ means /api/v1/networks/, as in older releases. Keys are names joined by colons, as in default:web; other characters are percent-encoded. A method that a path does not have is answered 405 with the header Allow.',
  },
  {
    title: 'Objects',
    text: 'POST and PUT are the same: they create the object or replace it whole; an attribute that is left out counts as empty. The answer is the object as it is stored. Empty attributes are left out of answers. key, links and link-sets are made by the server; in bodies they are accepted and ignored. Unknown attributes are ignored, and named in the header Warning.',
  },
  {
    title: 'Errors',
    text: 'With Accept: application/json an error is {"kind", "code", "message", "details"}; otherwise it is the message as one line of text. Codes are stable. The status follows the kind: invalid 400, unauthorized 401, forbidden 403, not-found 404, conflict and exhausted 409, internal 500, protocol 502, unavailable 503, timeout 504; besides 405, 412 (a condition does not hold), 413 and 415.',
  },
  {
    title: 'Conditions',
    text: 'Answers that show one object carry its tag in the header ETag. If-Match with that tag on a write makes sure that nobody changed the object meanwhile; If-None-Match: * makes sure that it is new. Otherwise the write is answered 412, code PRECONDITION_FAILED, and changes nothing. A GET with If-None-Match is answered 304 when nothing changed.',
  },
  {
    title: 'Lists',
    text: 'Lists are arrays, sorted by key. Each attribute is a filter: ?tenantName=blue. With ?limit=100 an answer holds at most so many, and while there are more the header Link names the next page (rel="next"). Unknown parameters are refused.',
  },
]

/** In the order in which the document has them; what is only between netmaster and its nodes comes last. */
export function sectionsOf(document: OpenApiDocument): readonly Section[] {
  interface Growing extends Section {
    readonly operations: PlacedOperation[]
    readonly bodies: Map<string, readonly Attribute[]>
  }
  const found = new Map<string, Growing>()
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const title = operation.tags[0] ?? 'service'
      const section: Growing = found.get(title) ?? { title, operations: [], bodies: new Map() }
      found.set(title, section)
      section.operations.push({ method: method.toUpperCase(), path, operation })
      const ref = operation.requestBody?.content['application/json']?.schema.$ref
      const name = typeof ref === 'string' ? (ref.split('/').at(-1) ?? '') : ''
      const schema = document.components.schemas[name]
      const attributes = schema === undefined ? [] : attributesOf(schema)
      if (attributes.length > 0) section.bodies.set(name, attributes)
    }
  }
  const last = ['intents', 'service', 'plugin', 'nodes']
  return [...found.values()].sort((a, b) => last.indexOf(a.title) - last.indexOf(b.title))
}

function attributesOf(schema: JsonSchema): readonly Attribute[] {
  const required = Array.isArray(schema.required) ? schema.required : []
  return entriesOf(schema.properties)
    .filter(([name]) => !['key', 'links', 'link-sets'].includes(name))
    .map(([name, property]) => ({
      name,
      type: typeOf(property),
      rules: rulesOf(property),
      required: required.includes(name),
    }))
}

function typeOf(schema: JsonSchema): string {
  if (schema.type === 'array') return `list of ${typeOf(asSchema(schema.items))}`
  if (typeof schema.type === 'string') return schema.type
  const choices = Array.isArray(schema.anyOf) ? schema.anyOf.map((choice) => typeOf(asSchema(choice))) : []
  return choices.length === 0 ? 'any' : choices.join(' or ')
}

function rulesOf(schema: JsonSchema): string {
  const said: string[] = []
  if (typeof schema.description === 'string') said.push(schema.description)
  if (Array.isArray(schema.enum)) said.push(schema.enum.filter((word) => word !== '').join(', '))
  if (schema.const !== undefined) said.push(`always ${JSON.stringify(schema.const)}`)
  if (typeof schema.maxLength === 'number') said.push(`at most ${schema.maxLength} characters`)
  if (typeof schema.minimum === 'number' && Math.abs(schema.minimum) < 2 ** 53 - 1) said.push(`from ${schema.minimum}`)
  if (typeof schema.maximum === 'number' && schema.maximum < 2 ** 53 - 1) said.push(`to ${schema.maximum}`)
  if (schema.default !== undefined && !isEmpty(schema.default)) said.push(`default ${JSON.stringify(schema.default)}`)
  return said.join('; ')
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}

function entriesOf(value: unknown): [string, JsonSchema][] {
  return Object.entries(asSchema(value)).map(([name, schema]) => [name, asSchema(schema)])
}

function asSchema(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
