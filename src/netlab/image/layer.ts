// Root file systems of the lab's images as tar entries: busybox alone, and a layer of real network tools on top with the
// libraries they were linked against. Pure: the files' contents come from the caller.

import type { TarEntry } from './tar.ts'

export interface SourceFile {
  /** Where it goes, without a leading slash. */
  readonly path: string
  readonly content: Uint8Array
  readonly mode: number
}

const folders = [
  'bin',
  'dev',
  'etc',
  'home',
  'lib',
  'proc',
  'root',
  'run',
  'sbin',
  'sys',
  'tmp',
  'usr',
  'usr/bin',
  'var',
]

/** One static binary, a symlink for each of its applets, and the few files programs look for. */
export function busyboxLayer(busybox: Uint8Array, applets: readonly string[]): readonly TarEntry[] {
  const text = (path: string, content: string): TarEntry => ({
    kind: 'file',
    path,
    mode: 0o644,
    content: Buffer.from(content),
  })
  return [
    ...folders.map((path): TarEntry => ({ kind: 'directory', path, mode: path === 'tmp' ? 0o1777 : 0o755 })),
    { kind: 'file', path: 'bin/busybox', mode: 0o755, content: busybox },
    ...sorted(applets)
      .filter((applet) => applet !== 'busybox')
      .map((applet): TarEntry => ({ kind: 'symlink', path: `bin/${applet}`, target: 'busybox' })),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'),
    { kind: 'symlink', path: 'var/run', target: '../run' },
  ]
}

/**
 * The tools, above the busybox layer. A shell that finds programs by PATH takes the place of busybox's, which prefers
 * its own applets to the real `ip` and `ping`.
 */
export function toolsLayer(files: readonly SourceFile[], shell: Uint8Array): readonly TarEntry[] {
  const parents = new Set<string>()
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= parts.length; depth++) parents.add(parts.slice(0, depth).join('/'))
  }
  const byPath = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  return [
    ...sorted([...parents]).map((path): TarEntry => ({ kind: 'directory', path, mode: 0o755 })),
    { kind: 'file', path: 'bin/dash', mode: 0o755, content: shell },
    { kind: 'symlink', path: 'bin/sh', target: 'dash' },
    ...byPath.map((file): TarEntry => ({ kind: 'file', ...file })),
  ]
}

/** Libraries in the output of `ldd`: absolute paths, each once. */
export function librariesIn(lddOutput: string): readonly string[] {
  const found = new Set<string>()
  for (const match of lddOutput.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)) {
    if (match[1] !== undefined) found.add(match[1])
  }
  return sorted([...found])
}

function sorted(values: readonly string[]): readonly string[] {
  return [...values].sort()
}
