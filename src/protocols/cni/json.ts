// Reading foreign JSON, part by part: what is there must have its shape, and an error names the place.

import { CniError, cniCode } from './error.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function wrong(place: string, what: string): CniError {
  return new CniError(cniCode.invalidConfiguration, `${place} of the network configuration ${what}`)
}

/** An empty object where it is missing or null. */
export function objectAt(parent: JsonObject, key: string, place = key): JsonObject {
  const value = parent[key] ?? {}
  if (!isObject(value)) throw wrong(place, 'must be an object')
  return value
}

/** Empty where it is missing or null. */
export function textAt(parent: JsonObject, key: string, place = key): string {
  const value = parent[key] ?? ''
  if (typeof value !== 'string') throw wrong(place, 'must be a string')
  return value
}

/** 0 where it is missing or null. */
export function countAt(parent: JsonObject, key: string, place = key): number {
  const value = parent[key] ?? 0
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw wrong(place, 'must be a whole number, 0 or more')
  }
  return value
}

export function listAt(parent: JsonObject, key: string, place = key): readonly unknown[] {
  const value = parent[key] ?? []
  if (!Array.isArray(value)) throw wrong(place, 'must be a list')
  return value
}

export function textsAt(parent: JsonObject, key: string, place = key): readonly string[] {
  return listAt(parent, key, place).map((value) => {
    if (typeof value !== 'string') throw wrong(place, 'must be a list of strings')
    return value
  })
}

export function objectsAt(parent: JsonObject, key: string, place = key): readonly JsonObject[] {
  return listAt(parent, key, place).map((value) => {
    if (!isObject(value)) throw wrong(place, 'must be a list of objects')
    return value
  })
}
