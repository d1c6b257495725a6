// Who reaches whom, by real packets: every container asks every address at once, by echo and by HTTP, and the table of
// who answered is compared with the expected one.

import assert from 'node:assert/strict'
import { textTable } from '../../src/lib/text-table.ts'
import type { Container } from './containers.ts'

/** By name of the asking container, then by address: what is expected, or what came. */
export type Table = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Nothing came back, neither echo nor page. */
export const silence = '-'
/** Echo replies without a server behind: a gateway. */
export const echoOnly = 'echo'

/**
 * What each container got from each address: the name that the address served when it also answered echo,
 * `silence`, `echoOnly`, and in words what fits neither. The containers must have the image with tools.
 */
export async function askAll(containers: readonly Container[], addresses: readonly string[]): Promise<Table> {
  const rows = await Promise.all(
    containers.map(async (container) => [container.name, await ask(container, addresses)] as const),
  )
  return new Map(rows)
}

// An answer may be late on a busy machine: the echo is repeated until there is one, and TCP repeats its SYN.
async function ask(container: Container, addresses: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const one = (address: string, number: number) => {
    const host = address.includes(':') ? `[${address}]` : address
    return [
      `ping -c 1 -i 0.5 -w 4 ${address} 2>&1 | grep ' bytes from ' >/tmp/echo${number} &`,
      `curl -g -s --connect-timeout 4 --max-time 8 http://${host}/ >/tmp/page${number} &`,
    ]
  }
  const show = (address: string, number: number) =>
    `echo "${address}|$(cat /tmp/page${number})|$(cat /tmp/echo${number})"`
  const lines = [...addresses.flatMap(one), 'wait', ...addresses.map(show)]
  const said = await container.sh(lines.join('\n'), { timeoutMs: 60_000 })
  const cells = new Map<string, string>()
  for (const line of said.trim().split('\n')) {
    const [address = '', page = '', echo = ''] = line.split('|')
    cells.set(address, cell(address, page, echo))
  }
  return cells
}

function cell(address: string, page: string, echo: string): string {
  const from = echo.match(/bytes from (\S+?):? /)?.[1]
  if (from === undefined) return page === '' ? silence : `${page}, but no echo`
  if (from !== address) return `echo from ${from}`
  return page === '' ? echoOnly : page
}

export function assertSameTable(actual: Table, expected: Table): void {
  const wrong: string[] = []
  for (const [name, cells] of expected) {
    for (const [address, cell] of cells) {
      const got = actual.get(name)?.get(address)
      if (got !== cell) wrong.push(`${name} asked ${address}: expected ${cell}, got ${got}`)
    }
  }
  const told = `${wrong.length} wrong\n${wrong.join('\n')}\n\nexpected\n${print(expected)}\ngot\n${print(actual)}`
  assert.equal(wrong.length, 0, told)
}

/** How many echo requests each container has got so far, by name. */
export async function echoesHeard(containers: readonly Container[]): Promise<ReadonlyMap<string, number>> {
  const counts = await Promise.all(
    containers.map(async (container) => {
      const [titles = '', values = ''] = (await container.sh('grep ^Icmp: /proc/net/snmp')).trim().split('\n')
      const column = titles.split(' ').indexOf('InEchos')
      return [container.name, Number(values.split(' ')[column])] as const
    }),
  )
  return new Map(counts)
}

function print(table: Table): string {
  const addresses = [...new Set([...table.values()].flatMap((cells) => [...cells.keys()]))].sort()
  const rows = [...table].map(([name, cells]) => [name, ...addresses.map((address) => cells.get(address) ?? '')])
  return textTable(
    ['from', ...addresses].map((title) => ({ title })),
    rows,
  )
}
