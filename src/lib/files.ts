// The few things that are done with files that outlive the program, as a dependency: simulations keep them in memory.

import { readFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type FolderOptions, makeFolder } from './folder.ts'
import { replaceFile } from './replace-file.ts'

/** Takes text for a file, piece after piece. */
export interface TextSink {
  write(text: string): Promise<unknown>
}

export interface Files {
  /** Makes the folder that the file is to lie in; see `makeFolder`. */
  prepare(path: string, options: FolderOptions): void
  /** Throws where there is no such file, or it cannot be read. */
  read(path: string): string
  /** A reader sees the old file or the new one, also after the machine has lost its power. */
  replace(path: string, write: (file: TextSink) => Promise<void>): Promise<void>
  /** A program that is killed may leave a part of it. */
  append(path: string, text: string): Promise<void>
}

export const systemFiles: Files = {
  prepare: (path, options) => makeFolder(dirname(path), options),
  read: (path) => readFileSync(path, 'utf8'),
  replace: (path, write) => replaceFile(path, (file) => write({ write: (text) => file.writeFile(text) })),
  append: (path, text) => appendFile(path, text),
}
