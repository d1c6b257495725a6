// The end of a command-line program: its status, once what it printed has gone out.

let outputError: NodeJS.ErrnoException | undefined

/** Remembers that standard output failed, instead of ending the program in the middle. Call before anything is printed. */
export function watchOutput(): void {
  process.stdout.on('error', (error) => {
    outputError ??= error
  })
}

/** A reader that went away (`… | head -1`) is no failure; a full disk is one, with its own status. */
export async function statusAtEnd(program: string, status: number, outputFailed: number): Promise<number> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  if (outputError === undefined || outputError.code === 'EPIPE') return status
  process.stderr.write(`${program}: standard output cannot be written: ${outputError.message}\n`)
  return outputFailed
}
