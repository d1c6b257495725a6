// The firewall driver for Linux, by nft(8) and iptables(8), in the network namespace of the process.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { firewallTable } from '../../core/outside/firewall.ts'
import { portNames } from '../../core/pipeline/facts.ts'
import { mustRun, runCommand } from '../../lib/command.ts'
import { asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import type { FirewallDriver } from './firewall.ts'

const link = portNames.outside
const settings = '/proc/sys/net/ipv4'
/** Docker looks at the first, and leaves it to others; FORWARD itself is for hosts whose policy drops without Docker. */
const chains = ['DOCKER-USER', 'FORWARD'] as const
const passing = [`-i ${link}`, `-o ${link}`]

export class LinuxFirewall implements FirewallDriver {
  /** As it was given last, and as nft showed it then. */
  #table: string | undefined
  #shown: string | undefined
  #isOff = false

  async keep(table: string | undefined, signal: AbortSignal): Promise<readonly string[]> {
    if (table === undefined) return this.#isOff ? [] : this.#takeOff(signal)
    this.#isOff = false
    const done = switchOn()
    const shown = await shownTable(signal)
    if (table !== this.#table || shown === undefined || shown !== this.#shown) {
      await nft(`table ip ${firewallTable}\ndelete table ip ${firewallTable}\n${table}`, signal)
      this.#table = table
      this.#shown = await shownTable(signal)
      done.push('table in force')
    }
    return [...done, ...(await letPass(signal))]
  }

  async #takeOff(signal: AbortSignal): Promise<readonly string[]> {
    const done: string[] = []
    // Whoever has no nft has no table.
    if ((await unlessMissing(shownTable(signal))) !== undefined) {
      await nft(`delete table ip ${firewallTable}\n`, signal)
      done.push('table removed')
    }
    for (const chain of chains) {
      const rules = await rulesOf(chain, signal)
      for (const rule of rules ?? []) {
        if (!isOurs(rule)) continue
        await iptables(['-D', ...rule.slice('-A '.length).split(' ')], signal)
        done.push(`rule of ${chain} removed`)
      }
    }
    this.#table = this.#shown = undefined
    this.#isOff = true
    return done
  }
}

/** What the kernel needs to forward at all, and the host to reach its own published ports by 127.0.0.1. */
function switchOn(): string[] {
  const done: string[] = []
  for (const name of ['ip_forward', `conf/${link}/forwarding`, `conf/${link}/route_localnet`]) {
    const path = `${settings}/${name}`
    if (!existsSync(path) || readFileSync(path, 'utf8').trim() === '1') continue
    writeFileSync(path, '1')
    done.push(`net.ipv4.${name.replaceAll('/', '.')} switched on`)
  }
  return done
}

/** Docker makes what nobody allowed be dropped. */
async function letPass(signal: AbortSignal): Promise<string[]> {
  for (const chain of chains) {
    const rules = await rulesOf(chain, signal)
    if (rules === undefined) continue
    // Which chain it is may have changed since.
    if (chain === 'FORWARD' && !rules.includes('-P FORWARD DROP')) return []
    const missing = passing.filter((side) => !rules.some((rule) => isOurs(rule) && rule.includes(`${side} `)))
    for (const side of missing) {
      const words = `-I ${chain} ${side} -m comment --comment ${firewallTable} -j ACCEPT`.split(' ')
      await iptables(words, signal)
    }
    return missing.length === 0 ? [] : [`let through by ${chain}`]
  }
  return []
}

function isOurs(rule: string): boolean {
  return rule.includes(` --comment ${firewallTable} `) || rule.includes(` --comment "${firewallTable}" `)
}

/** As `iptables -S` prints them; undefined without iptables or that chain. */
async function rulesOf(chain: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const result = await unlessMissing(runCommand(['iptables', '-w', '5', '-S', chain], {}, signal))
  return result?.code === 0 ? result.stdout.split('\n').filter((line) => line !== '') : undefined
}

async function iptables(words: readonly string[], signal: AbortSignal): Promise<void> {
  await mustRun(['iptables', '-w', '5', ...words], {}, signal)
}

async function shownTable(signal: AbortSignal): Promise<string | undefined> {
  const list = ['nft', '-s', 'list', 'table', 'ip', firewallTable]
  const { code, stdout, stderr } = await installed(runCommand(list, {}, signal))
  if (code === 0) return stdout
  if (/No such file or directory/.test(stderr)) return undefined
  throw new NetpluginError('internal', 'NFT_FAILED', `nft cannot list its tables: ${stderr.trim()}`)
}

async function nft(text: string, signal: AbortSignal): Promise<void> {
  await installed(mustRun(['nft', '-f', '-'], { input: text }, signal))
}

async function installed<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (asNetpluginError(cause).code !== 'COMMAND_MISSING') throw cause
    const message = 'cannot run nft; install it (package nftables)'
    throw new NetpluginError('unavailable', 'NFT_MISSING', message, { cause })
  }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (asNetpluginError(error).kind === 'unavailable') return undefined
    throw error
  }
}
