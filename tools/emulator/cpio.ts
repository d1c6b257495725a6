// Writes cpio archives as the Linux kernel unpacks them into its first file system (Documentation/driver-api/
// early-userspace/buffer-format.rst in the kernel's sources, "newc").

export type CpioEntry =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }

const kinds = { file: 0o100000, directory: 0o040000 }
/** The archive ends with an entry of this name. */
const trailer: CpioEntry = { kind: 'file', path: 'TRAILER!!!', mode: 0, content: Buffer.alloc(0) }

/** In the order given: folders before what is in them. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  return Buffer.concat([...entries, trailer].flatMap((entry, index) => cpioEntry(entry, index + 1)))
}

function cpioEntry(entry: CpioEntry, inode: number): readonly Uint8Array[] {
  const name = Buffer.from(`${entry.path}\0`)
  const content = entry.kind === 'file' ? entry.content : Buffer.alloc(0)
  const [owner, time, device] = [0, 0, 0]
  const links = entry.kind === 'directory' ? 2 : 1
  const mode = entry === trailer ? 0 : kinds[entry.kind] | entry.mode
  const fields = [
    inode,
    mode,
    owner,
    owner,
    links,
    time,
    content.length,
    device,
    device,
    device,
    device,
    name.length,
    0,
  ]
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`)
  return [header, name, padding(header.length + name.length), content, padding(content.length)]
}

/** To a multiple of four bytes. */
function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4)
}
