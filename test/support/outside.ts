// A machine that is no host of a lab, beyond their uplinks, and what speaks there and in containers for tests of the way out.

import assert from 'node:assert/strict'
import type { TestLab } from './lab.ts'

/** An address that hosts reach by their default route. */
export const outsideAddress = '203.0.113.7'
/** Where the machine says by TCP, and by UDP, who asks. */
export const outsidePorts = { tcp: 8000, udp: 8001 } as const

interface Speaking {
  readonly tcp: readonly number[]
  readonly udp: readonly number[]
  /** Of UDP answers come from this address; left out: from the one that leads back. */
  readonly from?: string
}

/** What a container runs to say at these ports who asks; a line that is sent by TCP gets one back, as long as one likes. */
export function sayWhoAsks({ tcp, udp, from }: Speaking): string[] {
  const bind = from === undefined ? '' : `,bind=${from}`
  const shout = 'SYSTEM:"while read line; do echo $SOCAT_PEERADDR; done"'
  const byTcp = tcp.map((port) => `socat TCP-LISTEN:${port},fork,reuseaddr '${shout}' &`)
  const byUdp = udp.map((port) => `socat UDP-RECVFROM:${port},fork${bind} 'SYSTEM:"echo $SOCAT_PEERADDR"' &`)
  return ['sh', '-c', [...byTcp, ...byUdp, 'wait'].join(' ')]
}

/** Gives the lab's underlay the address, and starts to speak there; ends with the lab. */
export async function startOutside(lab: TestLab): Promise<void> {
  await lab.execOk('underlay', `ip addr add ${outsideAddress}/32 dev lo`)
  const { tcp, udp } = outsidePorts
  lab.spawn('underlay', sayWhoAsks({ tcp: [tcp], udp: [udp], from: outsideAddress }))
  await lab.until('the machine outside to speak', async () => {
    return (await lab.exec('node1', asking(outsideAddress, tcp))).stdout.trim() === '10.77.0.1' || undefined
  })
}

/** A line for sh that asks there who asks. */
export function asking(address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): string {
  const to = protocol === 'tcp' ? `TCP:${address}:${port},connect-timeout=2` : `UDP:${address}:${port}`
  // Whoever is not answered asks once more: the first packet of a kind may be late in a userspace switch.
  return `r=; for n in 1 2; do r=$(echo who | timeout 3 socat -t 1 - ${to} 2>/dev/null); [ -n "$r" ] && break; done; echo $r; [ -n "$r" ]`
}

/** A connection that stays open and is asked again and again. */
export class OpenConnection {
  readonly #child: ReturnType<TestLab['spawn']>
  readonly #lab: TestLab
  #lines = 0

  /** From a machine of the lab, or, with `pid`, from a container there. */
  constructor(lab: TestLab, host: string, { address, port, pid }: { address: string; port: number; pid?: number }) {
    this.#lab = lab
    const say = `while sleep 0.2; do echo who; done | socat - TCP:${address}:${port}`
    const inside = pid === undefined ? [] : ['nsenter', '-t', String(pid), '-n']
    this.#child = lab.spawn(host, [...inside, 'sh', '-c', say])
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#lines += chunk.toString('utf8').split('\n').length - 1
    })
  }

  /** Resolves when the other side has answered what was said after this call. */
  async untilAnswered(): Promise<void> {
    const before = this.#lines
    await this.#lab.until('the open connection to be answered', () => this.#lines > before + 2 || undefined)
    assert.equal(this.#child.exitCode, null)
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}
