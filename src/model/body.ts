// Parsing of REST bodies: what every object of the API has in common.

import { z } from 'zod'
import type { Problem } from '../lib/errors.ts'
import { errorKinds } from '../lib/errors.ts'

const label = '[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?'
/** Of tenants, networks, groups, policies, rules and the like. */
export const namePattern = new RegExp(`^${label}(?:\\.${label})*$`)
export const nameRule = 'letters, digits and inner hyphens or underscores, in labels joined by dots'
const notAName = {
  error: ({ input }: { input?: unknown }) => `${JSON.stringify(input)} is not a name: use ${nameRule}`,
}

/** A compulsory name: at most `max` characters. */
export function requiredName(max: number) {
  return z
    .string()
    .min(1, 'is missing or empty')
    .max(max, `is longer than ${max} characters`)
    .regex(namePattern, notAName)
}

/** A name or nothing; left out means empty. */
export function optionalName(max: number) {
  return z
    .string()
    .max(max, `is longer than ${max} characters`)
    .refine((text) => text === '' || namePattern.test(text), notAName)
    .default('')
}

/** One of the words, or nothing: then `fallback`. The empty string counts as nothing. */
export function wordOr<const W extends string>(words: readonly W[], fallback: W) {
  return z
    .string()
    .meta({ enum: ['', ...words.filter((word) => word !== '')] })
    .default('')
    .transform((text, context): W => {
      if (text === '') return fallback
      const word = words.find((candidate) => candidate === text)
      if (word !== undefined) return word
      const known = words.filter((candidate) => candidate !== '').join(', ')
      context.addIssue({ code: 'custom', message: `must be one of ${known}, not ${JSON.stringify(text)}` })
      return z.NEVER
    })
}

/** One of the words; nothing is not one of them. */
export function requiredWord<const W extends string>(words: readonly W[]) {
  return z.enum(words, {
    error: ({ input }) => {
      const known = words.join(' or ')
      return input === undefined ? `is missing; it is ${known}` : `must be ${known}, not ${JSON.stringify(input)}`
    },
  })
}

/** One of a few words, or empty for none of them; without default. */
export function optionalWord<const W extends string>(words: readonly W[]) {
  return z.enum(['', ...words], {
    error: ({ input }) => `must be ${words.join(' or ')}, not ${JSON.stringify(input)}`,
  })
}

/** Names or other texts, each once, in the order given. */
export function textList(maxLength: number) {
  return z
    .array(
      z.string().min(1, 'holds an empty text').max(maxLength, `holds a text of more than ${maxLength} characters`),
      'must be a list of texts',
    )
    .max(1000, 'has more than 1000 entries')
    .default([])
    .transform((texts) => [...new Set(texts)])
}

/** A whole number in a range; left out means `fallback`. */
export function wholeNumber(range: { readonly min: number; readonly max: number }, fallback: number) {
  const text = `must be a whole number from ${range.min} to ${range.max}`
  return z.int(text).min(range.min, text).max(range.max, text).default(fallback)
}

/**
 * An object of the public API: these attributes, plus what is accepted and ignored. Unknown attributes are ignored, too, as
 * clients for other versions send some; `ignoredAttributes` tells of them.
 */
export function apiObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.object({
    ...shape,
    key: z.string().optional(),
    'link-sets': z.unknown().optional(),
    links: z.unknown().optional(),
  })
}

/** Names in a body that the schema does not know: misspelt, or meant for another version. */
export function ignoredAttributes(schema: z.ZodType, body: unknown): string[] {
  if (!(schema instanceof z.ZodObject) || typeof body !== 'object' || body === null) return []
  const others = Object.keys(body).filter((name) => !Object.hasOwn(schema.shape, name))
  if (others.length === 0) return others
  const known = namesByCase(schema)
  return others.filter((name) => !known.has(name.toLowerCase()))
}

/** The schema's names by themselves in lower case. */
function namesByCase({ shape }: z.ZodObject): ReadonlyMap<string, string> {
  return new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]))
}

/** Attributes may be written in any case, as the original read them; the exact name counts more. */
function withKnownNames(schema: z.ZodType, body: object): object {
  if (!(schema instanceof z.ZodObject)) return body
  const { shape } = schema
  const others = Object.entries(body).filter(([name]) => !Object.hasOwn(shape, name))
  if (others.length === 0) return body
  const exact = Object.entries(body).filter(([name]) => Object.hasOwn(shape, name))
  const byCase = namesByCase(schema)
  const renamed = others.map(([name, value]) => [byCase.get(name.toLowerCase()) ?? name, value])
  return Object.fromEntries([...renamed, ...exact])
}

/** A reference from one object to another, as REST shows it. */
export const link = z.object({ type: z.string().optional(), key: z.string().optional() })
export const linkSet = z.record(z.string(), link)
export type Link = z.infer<typeof link>
export type LinkSet = z.infer<typeof linkSet>

export function linkTo(type: string, key: string): Link {
  return { type, key }
}

/** Keys of objects of one type, as REST calls it. */
export interface KeysOfType {
  readonly type: string
  readonly keys: Iterable<string>
}

/** Link sets by name, sorted by key; empty sets are left out. */
export function linkSets(sets: Readonly<Record<string, KeysOfType>>) {
  const rendered: Record<string, LinkSet> = {}
  for (const [name, { type, keys }] of Object.entries(sets)) {
    const sorted = [...keys].sort()
    if (sorted.length > 0) rendered[name] = Object.fromEntries(sorted.map((key) => [key, linkTo(type, key)]))
  }
  return rendered
}

/** The object without attributes that are empty: zero, '', [], {} and undefined. Order is kept. */
export function omitEmpty<T extends object>(value: T): Partial<T> {
  const kept: Partial<T> = {}
  for (const key in value) if (!isEmpty(value[key])) kept[key] = value[key]
  return kept
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** Parses a body; the problem names the attribute and what is wrong with it. */
export function parseBody<T>(schema: z.ZodType<T>, input: unknown): T | Problem {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return problem(
      'invalid',
      'BODY_NOT_OBJECT',
      'the body must be a JSON object; send one with content type application/json',
    )
  }
  const parsed = schema.safeParse(withKnownNames(schema, input))
  if (parsed.success) return parsed.data
  const texts = parsed.error.issues.map((issue) => issueText(issue, input))
  const field = parsed.error.issues[0]?.path.join('.') ?? ''
  return problem('invalid', 'INVALID_BODY', texts.slice(0, 5).join('; '), { field, issues: texts })
}

function issueText(issue: z.core.$ZodIssue, body: unknown): string {
  const field = issue.path.join('.')
  if (issue.code === 'invalid_type' && valueAt(body, issue.path) === undefined) return `${field} is missing`
  if (issue.code === 'invalid_type') return `${field} must be of type ${issue.expected}`
  return `${field} ${issue.message}`
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Reflect.get(value, step)
  }
  return value
}

export function problem(
  kind: Problem['kind'],
  code: string,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): Problem {
  return details === undefined ? { kind, code, message } : { kind, code, message, details }
}

const kinds: ReadonlySet<unknown> = new Set(errorKinds)

/** Whether a pure function returned a problem instead of its result. */
export function isProblem(value: unknown): value is Problem {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    'code' in value &&
    'message' in value &&
    kinds.has(value.kind)
  )
}
