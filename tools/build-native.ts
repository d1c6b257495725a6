// Builds the one program that is not TypeScript: native/netplugin-cni.c, which container runtimes start for each call. Where there
// is no C compiler, or none that links statically, the shell script beside it takes its place.

import { copyFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../src/lib/command.ts'
import { asError } from '../src/lib/errors.ts'

const native = fileURLToPath(new URL('../native', import.meta.url))

/** Makes the executable `into`; says what kind it is, and why it is not compiled. */
export async function buildShim(
  into: string,
  compiler = process.env.CC ?? 'cc',
): Promise<{ readonly kind: 'compiled' } | { readonly kind: 'script'; readonly why: string }> {
  mkdirSync(dirname(into), { recursive: true })
  const flags = ['-std=gnu11', '-Os', '-Wall', '-Wextra', '-Werror', '-static', '-s']
  try {
    const argv = [compiler, ...flags, '-o', into, `${native}/netplugin-cni.c`]
    const { code, stderr } = await runCommand(argv, {}, AbortSignal.timeout(60_000))
    if (code === 0) return { kind: 'compiled' }
    copyFileSync(`${native}/netplugin-cni.sh`, into)
    return { kind: 'script', why: stderr.trim() }
  } catch (error) {
    copyFileSync(`${native}/netplugin-cni.sh`, into)
    return { kind: 'script', why: asError(error).message }
  }
}
