// Writes POSIX tar archives (IEEE 1003.1, "ustar") that depend on their contents alone: no owner, no time of making.

import { NetpluginError } from '../../lib/errors.ts'

export type TarEntry =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }

const blockSize = 512
const typeFlags = { file: '0', symlink: '2', directory: '5' } as const

/** The archive as a row of chunks; joined they are the file. Entries appear in the order given. */
export function* tarArchive(entries: Iterable<TarEntry>): Generator<Uint8Array> {
  for (const entry of entries) {
    yield tarHeader(entry)
    if (entry.kind !== 'file') continue
    yield entry.content
    const rest = entry.content.length % blockSize
    if (rest > 0) yield new Uint8Array(blockSize - rest)
  }
  yield new Uint8Array(2 * blockSize)
}

/** Header block of an entry. Throws `invalid` (code TAR_PATH_LONG) when a name does not fit the format. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const header = Buffer.alloc(blockSize)
  const [prefix, name] = splitPath(entry.kind === 'directory' ? `${entry.path}/` : entry.path)
  const target = entry.kind === 'symlink' ? entry.target : ''
  if (Buffer.byteLength(target) > 100) throw tooLong(target)
  header.write(name, 0)
  header.write(octal(entry.kind === 'symlink' ? 0o777 : entry.mode, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(entry.kind === 'file' ? entry.content.length : 0, 11), 124)
  header.write(octal(0, 11), 136)
  header.write(' '.repeat(8), 148)
  header.write(typeFlags[entry.kind], 156)
  header.write(target, 157)
  header.write('ustar\u000000', 257)
  header.write(octal(0, 7), 329)
  header.write(octal(0, 7), 337)
  header.write(prefix, 345)
  // The sum is taken with its own field as spaces.
  let sum = 0
  for (const byte of header) sum += byte
  header.write(`${octal(sum, 6)}\0 `, 148)
  return header
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** A long path is cut at a slash: up to 155 bytes before it, up to 100 after. */
function splitPath(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path]
  for (let cut = path.indexOf('/'); cut >= 0; cut = path.indexOf('/', cut + 1)) {
    const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)]
    if (name !== '' && Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return [prefix, name]
  }
  throw tooLong(path)
}

function tooLong(path: string): NetpluginError {
  return new NetpluginError('invalid', 'TAR_PATH_LONG', `"${path}" is too long for a tar archive`)
}
