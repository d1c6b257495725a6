// Paths: spellings of older clients, and which methods a path has.

import type { AnyRoute } from '../api/route.ts'

/** Where a path of an older release is served now; other paths stay as they are. */
export function servedPath(url: string): string {
  if (url.startsWith('/api/') && !url.startsWith('/api/v1')) return `/api/v1${url.slice('/api'.length)}`
  const old = '/plugin/svcProviderUpdate'
  return url.startsWith(old) ? `/plugin/updateEndpoint${url.slice(old.length)}` : url
}

/** The methods served at a path, sorted; empty where there is nothing. */
export function methodsAt(path: string, routes: readonly AnyRoute[]): readonly string[] {
  const parts = segments(path)
  const found = new Set<string>()
  for (const route of routes) {
    if (!fits(parts, segments(route.path))) continue
    found.add(route.method)
    if (route.method === 'GET') found.add('HEAD')
  }
  return found.size === 0 ? [] : [...found, 'OPTIONS'].sort()
}

function segments(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '')
}

function fits(parts: readonly string[], pattern: readonly string[]): boolean {
  return parts.length === pattern.length && pattern.every((part, at) => part.startsWith(':') || part === parts[at])
}
