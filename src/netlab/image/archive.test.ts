import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { imageArchive } from './archive.ts'
import { busyboxLayer, librariesIn, toolsLayer } from './layer.ts'
import { type TarEntry, tarArchive, tarHeader } from './tar.ts'

const bytes = (text: string) => Buffer.from(text)
const join = (chunks: Iterable<Uint8Array>) => Buffer.concat([...chunks])
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')
const text = (block: Buffer, at: number, length: number) =>
  block
    .subarray(at, at + length)
    .toString()
    .replace(/\0.*$/s, '')

/** Reads an archive back, field by field as the standard lays them out. */
function readTar(archive: Buffer): TarEntry[] {
  assert.equal(archive.length % 512, 0)
  const entries: TarEntry[] = []
  let at = 0
  while (archive[at] !== 0) {
    const header = archive.subarray(at, at + 512)
    const size = Number.parseInt(text(header, 124, 12), 8)
    const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0)
    assert.equal(Number.parseInt(text(header, 148, 8), 8), sum, 'check sum')
    const prefix = text(header, 345, 155)
    const path = (prefix === '' ? '' : `${prefix}/`) + text(header, 0, 100)
    const mode = Number.parseInt(text(header, 100, 8), 8)
    at += 512
    const type = text(header, 156, 1)
    if (type === '0')
      entries.push({ kind: 'file', path, mode, content: new Uint8Array(archive.subarray(at, at + size)) })
    else if (type === '5') entries.push({ kind: 'directory', path: path.replace(/\/$/, ''), mode })
    else entries.push({ kind: 'symlink', path, target: text(header, 157, 100) })
    at += Math.ceil(size / 512) * 512
  }
  assert.equal(archive.subarray(at).length, 1024)
  return entries
}

test('a header has every field where the standard puts it', () => {
  // As GNU tar writes it: tar --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - bin/a
  const header = Buffer.from(tarHeader({ kind: 'file', path: 'bin/a', mode: 0o755, content: bytes('hello') }))
  const expected = Buffer.alloc(512)
  expected.write('bin/a', 0)
  expected.write('0000755\u00000000000\u00000000000\u000000000000005\u000000000000000\u0000010116\u0000 0', 100)
  expected.write('ustar\u000000', 257)
  expected.write('0000000\u00000000000', 329)
  assert.equal(header.toString('hex'), expected.toString('hex'))
})

test('what was packed is unpacked again', () => {
  const name = fc.stringMatching(/^[a-z.]{1,40}$/)
  const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
  const entry = fc.oneof(
    fc.record({
      kind: fc.constant('file' as const),
      path,
      mode: fc.constantFrom(0o644, 0o755),
      content: fc.uint8Array({ maxLength: 1100 }),
    }),
    fc.record({ kind: fc.constant('directory' as const), path, mode: fc.constantFrom(0o755, 0o1777) }),
    fc.record({ kind: fc.constant('symlink' as const), path, target: name }),
  )
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      const plain = readTar(join(tarArchive(entries))).map((found) =>
        found.kind === 'file' ? { ...found, content: [...found.content] } : found,
      )
      assert.deepEqual(
        plain,
        entries.map((e) => (e.kind === 'file' ? { ...e, content: [...e.content] } : { ...e })),
      )
    }),
    { numRuns: 200 },
  )
})

test('a path that no header can hold is refused', () => {
  const entry = { kind: 'directory', path: 'x'.repeat(101), mode: 0o755 } as const
  assert.throws(() => tarHeader(entry), { code: 'TAR_PATH_LONG' })
})

const images = [
  { tag: 'one:latest', layers: [bytes('base')], command: ['sh'] },
  { tag: 'two:latest', layers: [bytes('base'), bytes('more')], command: ['sh'] },
]

test('an archive names configuration and layers by what they contain, a shared layer once', () => {
  const entries = new Map(
    readTar(join(imageArchive(images, { architecture: 'amd64' }))).map((entry) => [
      entry.path,
      entry.kind === 'file' ? Buffer.from(entry.content) : Buffer.alloc(0),
    ]),
  )
  const manifest = JSON.parse(entries.get('manifest.json')?.toString() ?? '')
  assert.equal(entries.size, 5)
  assert.deepEqual(manifest[1].RepoTags, ['two:latest'])
  assert.deepEqual(manifest[1].Layers, [`${sha256(bytes('base'))}/layer.tar`, `${sha256(bytes('more'))}/layer.tar`])
  assert.equal(entries.get(manifest[1].Layers[0])?.toString(), 'base')
  const config = entries.get(manifest[1].Config)
  assert.ok(config !== undefined)
  assert.equal(manifest[1].Config, `${sha256(config)}.json`)
  const parsed = JSON.parse(config.toString())
  assert.deepEqual(parsed.rootfs.diff_ids, [`sha256:${sha256(bytes('base'))}`, `sha256:${sha256(bytes('more'))}`])
  assert.equal(parsed.architecture, 'amd64')
  assert.deepEqual(parsed.config.Cmd, ['sh'])
})

test('the same images give the same bytes', () => {
  const once = sha256(join(imageArchive(images, { architecture: 'amd64' })))
  assert.equal(sha256(join(imageArchive(images, { architecture: 'amd64' }))), once)
})

test('the busybox layer has a link for every applet but busybox itself', () => {
  const layer = busyboxLayer(bytes('ELF'), ['sh', 'busybox', 'ls'])
  const links = layer.filter((entry) => entry.kind === 'symlink' && entry.path.startsWith('bin/'))
  assert.deepEqual(
    links.map(({ path }) => path),
    ['bin/ls', 'bin/sh'],
  )
  assert.deepEqual(
    layer.filter((entry) => entry.path === 'bin/busybox').map((entry) => entry.kind === 'file' && entry.mode),
    [0o755],
  )
})

test('the tools layer makes folders before what is in them, and replaces the shell', () => {
  const file = (path: string) => ({ path, content: bytes(path), mode: 0o755 })
  const layer = toolsLayer([file('usr/bin/ip'), file('lib/arch/libc.so.6')], bytes('dash'))
  const seen = new Set(['bin'])
  for (const entry of layer) {
    const parent = entry.path.split('/').slice(0, -1).join('/')
    assert.ok(parent === '' || seen.has(parent), `${entry.path} comes before ${parent}`)
    if (entry.kind === 'directory') seen.add(entry.path)
  }
  assert.deepEqual(
    layer.find((entry) => entry.path === 'bin/sh'),
    { kind: 'symlink', path: 'bin/sh', target: 'dash' },
  )
})

test('libraries are found in what ldd prints, for one program or many', () => {
  const output = `/usr/bin/ip:
\tlinux-vdso.so.1 (0x00007ffd2b5f4000)
\tlibbpf.so.1 => /lib/x86_64-linux-gnu/libbpf.so.1 (0x00007f0a5e2b1000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0a5e0d0000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f0a5e3f5000)
/bin/busybox:
\tnot a dynamic executable
/usr/bin/ss:
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007fe5d7a11000)
`
  assert.deepEqual(librariesIn(output), [
    '/lib/x86_64-linux-gnu/libbpf.so.1',
    '/lib/x86_64-linux-gnu/libc.so.6',
    '/lib64/ld-linux-x86-64.so.2',
  ])
})
