// Replaces a file as a whole: a reader sees the old one or the new one, also after the machine has lost its power.

import { type FileHandle, open, rename } from 'node:fs/promises'

/** `write` fills the new file, which lies beside the old one until it is whole; only its owner can read it. */
export async function replaceFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const beside = `${path}.new`
  const file = await open(beside, 'w', 0o600)
  try {
    await write(file)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
}
