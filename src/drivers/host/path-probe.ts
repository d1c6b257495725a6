// How large a packet arrives at another host, by ping(8) with fragmentation forbidden. Needs iputils' ping.

import type { PathResult } from '../../core/doctor/host.ts'
import { runCommand } from '../../lib/command.ts'
import { asNetpluginError } from '../../lib/errors.ts'

/** Of IPv4 and ICMP. */
const headers = 28
/** What each IPv4 host takes (RFC 791 section 3.1). */
const smallest = 68
const answerSeconds = 1

interface Probe {
  readonly from: string
  readonly to: string
  /** Of the whole packet. */
  readonly bytes: number
}

/** Tries the size that is wanted, and finds the largest that arrives when it does not. A dozen packets at most. */
export async function probePath({ from, to, bytes }: Probe, signal: AbortSignal): Promise<PathResult> {
  const arrives = async (size: number) => {
    const words = ['ping', '-n', '-q', '-c', '1', '-W', `${answerSeconds}`, '-M', 'do']
    const result = await runCommand([...words, '-I', from, '-s', `${size - headers}`, to], {}, signal)
    return result.code === 0
  }
  try {
    // The first packet may wait for the neighbour's address and be late.
    if ((await arrives(bytes)) || (await arrives(bytes))) return { kind: 'fits' }
    if (!((await arrives(smallest)) || (await arrives(smallest)))) return { kind: 'silent' }
    let [low, high] = [smallest, bytes]
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (await arrives(middle)) low = middle
      else high = middle
    }
    return { kind: 'largest', bytes: low }
  } catch (error) {
    signal.throwIfAborted()
    const { code, message } = asNetpluginError(error)
    return { kind: 'untried', why: code === 'COMMAND_MISSING' ? 'ping is not installed (iputils-ping)' : message }
  }
}
