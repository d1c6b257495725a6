// Who may import whom (docs/architecture.md, "Layout"). Each rule carries its reason; the check fails when it saw no
// modules, so that it cannot pass by looking in the wrong place.
//
//   node tools/import-rules.ts        checks src/, exit status 1 with one line per forbidden import

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Import {
  /** Path of the importing file below src/, with slashes. */
  readonly from: string
  /** Below src/, or a package or node: name as written. */
  readonly to: string
}

export interface Violation extends Import {
  readonly reason: string
}

interface Rule {
  readonly reason: string
  readonly forbids: (edge: Import) => boolean
}

/** What a folder of src/ may import besides itself and packages. */
const layers: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  protocols: ['lib'],
  model: ['lib'],
  api: ['lib', 'model'],
  core: ['lib', 'protocols', 'model'],
  drivers: ['lib', 'protocols', 'model', 'core'],
  netmaster: ['lib', 'model', 'api', 'core', 'drivers'],
  netplugin: ['lib', 'protocols', 'model', 'api', 'core', 'drivers'],
  netnames: ['lib', 'protocols', 'model', 'core'],
  netctl: ['lib', 'model', 'api'],
  netdcli: ['lib', 'model', 'api'],
  netlab: ['lib', 'protocols', 'core', 'drivers'],
  cmd: [
    'lib',
    'model',
    'api',
    'core',
    'drivers',
    'netmaster',
    'netplugin',
    'netnames',
    'netctl',
    'netdcli',
    'netlab',
    'protocols',
  ],
}

const inputOutput = /^node:(?!assert|util$|buffer$)/
/** Modules that only tests import, so that what holds for programs does not hold for them. */
const testSupport: readonly { readonly paths: RegExp; readonly reason: string }[] = [
  { paths: /\.test\.ts$/, reason: 'tests' },
  { paths: /\.contract\.ts$/, reason: 'suites that tests run over each implementation' },
  { paths: /(^|\/)fake(-[^/]*)?\.ts$/, reason: 'stand-ins for what a test does not have: servers, clocks, hosts' },
  { paths: /(^|\/)test(ing)?(-[^/]*)?\.ts$/, reason: 'what the tests of one folder share' },
  { paths: /(^|\/)(captured|captures|[^/]*-fixture)\.ts$/, reason: 'bytes and rows taken from the real thing' },
]
const isTest = (path: string) => testSupport.some(({ paths }) => paths.test(path))
const folder = (path: string) => path.split('/')[0] ?? ''
const inside = (path: string, ...folders: readonly string[]) => folders.includes(folder(path))

export const rules: readonly Rule[] = [
  {
    reason: 'layers depend downwards only: lib <- protocols <- core <- drivers <- programs <- cmd, lib <- model <- api',
    forbids: ({ from, to }) =>
      folder(to) in layers && folder(from) !== folder(to) && !(layers[folder(from)] ?? []).includes(folder(to)),
  },
  {
    reason: 'a protocol is a library of its own: protocols/x never imports protocols/y',
    forbids: ({ from, to }) =>
      inside(from, 'protocols') && inside(to, 'protocols') && from.split('/')[1] !== to.split('/')[1],
  },
  {
    reason: 'core and model are pure: no files, sockets, processes or timers',
    forbids: ({ from, to }) => inside(from, 'core', 'model') && !isTest(from) && inputOutput.test(to),
  },
  {
    reason: 'core and model take no clock, no log and no background tasks',
    forbids: ({ from, to }) =>
      inside(from, 'core', 'model') && !isTest(from) && ['lib/clock.ts', 'lib/log.ts', 'lib/tasks.ts'].includes(to),
  },
  {
    reason: 'src stands alone: tests, tools and benchmarks import it, never the other way round',
    forbids: ({ from, to }) => !isTest(from) && to.startsWith('../') && to !== '../package.json',
  },
  {
    reason: 'tests, and what only serves them, are imported by tests alone',
    forbids: ({ from, to }) => !isTest(from) && isTest(to),
  },
]

/** Reads the imports of one module, `import type` and dynamic ones included. */
export function importsOf(path: string, source: string): readonly Import[] {
  const found: Import[] = []
  for (const match of withoutComments(source).matchAll(
    /(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)(['"])([^'"\n]+)\1/gm,
  )) {
    const target = match[2] ?? ''
    found.push({ from: path, to: target.startsWith('.') ? join(dirname(path), target) : target })
  }
  return found
}

/** Uses of what makes a function depend on more than its arguments, in a folder that must be pure. */
export function impurities(path: string, source: string): readonly Violation[] {
  if (!inside(path, 'core', 'model') || isTest(path)) return []
  const code = withoutComments(source)
  const used =
    /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|fetch\(|process\.|console\.)/.exec(
      code,
    )
  if (used?.[1] === undefined) return []
  return [{ from: path, to: used[1], reason: 'core and model use no clock, no randomness and no process state' }]
}

export function violations(imports: readonly Import[]): readonly Violation[] {
  return imports.flatMap((edge) =>
    rules.filter((rule) => rule.forbids(edge)).map(({ reason }) => ({ ...edge, reason })),
  )
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function main(): number {
  const root = fileURLToPath(new URL('../src', import.meta.url))
  const modules = globSync(`${root}/**/*.ts`).sort()
  const sources = modules.map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))
  const imports = sources.flatMap(({ path, text }) => importsOf(path, text))
  if (modules.length === 0 || imports.length === 0) {
    process.stderr.write(`import rules: saw no modules under ${root}: nothing was checked\n`)
    return 1
  }
  const found = [...violations(imports), ...sources.flatMap(({ path, text }) => impurities(path, text))]
  for (const { from, to, reason } of found) process.stderr.write(`src/${from} uses ${to}\n  ${reason}\n`)
  process.stdout.write(
    `import rules: ${modules.length} modules, ${imports.length} imports, ${found.length} forbidden\n`,
  )
  return found.length > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = main()
