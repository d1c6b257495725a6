// One netlab at a time changes a lab. The lock is an abstract unix socket: the kernel lets go of it when its holder dies,
// so that it can never be left over.

import { createServer } from 'node:net'
import { NetpluginError } from '../lib/errors.ts'

/** Runs `work` as the only one for this name. Throws `conflict` (code LAB_BUSY) when somebody else is at it. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const server = createServer((connection) => connection.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new NetpluginError(
          'conflict',
          'LAB_BUSY',
          `another netlab is starting or ending ${name}; wait for it to finish`,
          {
            cause,
          },
        ),
      ),
    )
    server.listen(`\0netlab${name}`, resolve)
  })
  try {
    return await work()
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}
