// Bundles each program into one file under dist/, faster to start. netctl and netmaster run with Node alone; netplugin needs
// the package koffi in a node_modules above it.

import { chmodSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildShim } from './build-native.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = ['netctl', 'netdcli', 'netmaster', 'netplugin', 'netnames']

/** As in bin/. */
const nodeFlags: Readonly<Record<string, string>> = {
  netplugin: '--max-semi-space-size=16 ',
  netnames: '--max-semi-space-size=4 ',
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
const result = await build({
  entryPoints: programs.map((name) => join(root, 'src/cmd', `${name}.ts`)),
  outdir: join(root, 'dist'),
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // koffi loads a compiled library from beside its own files.
  external: ['koffi'],
  // Packages written as CommonJS ask for Node's modules by require.
  banner: { js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)" },
  legalComments: 'external',
  logLevel: 'warning',
}).catch(() => process.exit(1)) // esbuild has said why.
if (result.warnings.length > 0) process.exitCode = 1
for (const name of programs) {
  const file = join(root, 'dist', `${name}.mjs`)
  const starter = join(root, 'dist', name)
  writeFileSync(
    starter,
    `#!/bin/sh\nexec node ${nodeFlags[name] ?? ''}"$(dirname "$(readlink -f "$0")")/${name}.mjs" "$@"\n`,
  )
  chmodSync(starter, 0o755)
  process.stdout.write(`dist/${name}.mjs  ${Math.round(statSync(file).size / 1024)} KiB\n`)
}
const shim = await buildShim(join(root, 'dist', 'netplugin-cni'))
const note = shim.kind === 'compiled' ? '' : `  (the shell script: ${shim.why})`
process.stdout.write(
  `dist/netplugin-cni  ${Math.round(statSync(join(root, 'dist', 'netplugin-cni')).size / 1024)} KiB${note}\n`,
)
