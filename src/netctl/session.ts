// What a command works with: the connection, made when it is first needed, and the settings it runs under. Each setting
// is taken from the first that has it: flag, environment, configuration file, default.

import type { Client } from '../api/client.ts'
import { parseServerUrls } from '../api/server-urls.ts'
import { listed, progressOf, whenApplied } from '../api/when-applied.ts'
import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import { fillFlags, type ParsedFlags, usage } from '../lib/flags.ts'
import type { Session } from './command.ts'
import { type Config, configPath, writeConfig } from './config.ts'
import type { ConnectOptions, Server } from './connect.ts'
import { defaultNetmaster, globalFlags } from './help.ts'
import { clearLine, type Paint, paintFor, type Terminals } from './terminal.ts'

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly terminals: Terminals
  /** One line typed by the user, `secret` ones unseen; undefined when the input ended. */
  readonly ask: (question: string, options?: { readonly secret?: boolean }) => Promise<string | undefined>
  readonly clock: Clock
  readonly connect: (options: ConnectOptions) => Promise<Client>
}

/** How long a change waits for the hosts unless told, in seconds. */
const defaultWait = 5

export class CommandSession implements Session {
  readonly server: Server
  readonly paint: Paint
  readonly #around: Surroundings
  readonly #token: string | undefined
  /** Seconds, when the user said how many. */
  readonly #wait: number | undefined
  #netmaster: Promise<Client> | undefined

  constructor(values: ParsedFlags['values'], config: Config, around: Surroundings) {
    const { token, ...server } = connectOptions(values, config, around.env)
    this.server = server
    this.#token = token
    const { wait } = fillFlags(globalFlags, values)
    this.#wait = wait === undefined ? undefined : seconds(wait)
    this.#around = around
    this.paint = paintFor(around.terminals.out, around.env)
  }

  netmaster(): Promise<Client> {
    this.#netmaster ??= this.#around.connect({ ...this.server, token: this.#token })
    return this.#netmaster
  }

  print(text: string): void {
    this.#around.out(text)
  }

  async settle(): Promise<void> {
    if (this.#netmaster === undefined || this.#wait === 0) return
    const { err, terminals, env, clock } = this.#around
    const patience = this.#wait ?? defaultWait
    const { dim } = paintFor(terminals.err, env)
    let shown = false
    const onLag = (lagging: readonly string[]) => {
      if (!terminals.err) return
      shown = true
      err(`${clearLine}${dim(`waiting for ${listed(lagging)} …`)}`)
    }
    const netmaster = await this.#netmaster
    const lagging = await whenApplied(progressOf(netmaster), { patienceMs: patience * 1000, onLag }, { clock })
    if (shown) err(clearLine)
    if (lagging.length === 0) return
    const what = `stored, but not yet in force on ${listed(lagging)}`
    if (this.#wait === undefined) err(`netctl: ${what}\n`)
    else throw new NetpluginError('timeout', 'NODES_LAG', `${what} after ${patience} s; see netctl node ls`)
  }

  ask(question: string, options?: { readonly secret?: boolean }): Promise<string | undefined> {
    return this.#around.ask(question, options)
  }

  async confirm(question: string, yes: boolean): Promise<void> {
    if (yes) return
    if (!this.#around.terminals.in) throw usage('this needs a confirmation; give --yes where nobody can be asked')
    const answer = await this.ask(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer?.trim() ?? '')) {
      throw new NetpluginError('invalid', 'DECLINED', 'not confirmed; nothing was changed')
    }
  }

  remember(config: Config): string {
    const path = configPath(this.#around.env)
    if (path !== undefined) {
      writeConfig(path, config)
      return path
    }
    throw new NetpluginError('invalid', 'LOCAL_FILE', 'there is no home directory to write to; set HOME')
  }

  async close(): Promise<void> {
    const netmaster = await this.#netmaster?.catch(() => undefined)
    netmaster?.close()
  }
}

/** Where netmaster is, and how to be known there. Throws code USAGE when that is no URL. */
export function connectOptions(
  values: ParsedFlags['values'],
  config: Config,
  env: Surroundings['env'],
): Server & { readonly token: string | undefined } {
  const flags = fillFlags(globalFlags, values)
  const url = serverUrl(flags.netmaster || env.NETMASTER || config.netmaster || defaultNetmaster)
  const insecure = flags.insecure || ['1', 'true'].includes(env.INSECURE ?? '') || config.insecure === true
  return { url, insecure, token: tokenFor(url, config) }
}

function serverUrl(text: string): string {
  const urls = parseServerUrls(text)
  if (urls !== undefined) return urls
  throw usage(`--netmaster: '${text}' is no URL; it looks like ${defaultNetmaster}`)
}

/** A token is for the server that gave it, and never goes over a wire that others can read. */
function tokenFor(url: string, config: Config): string | undefined {
  if (url.split(',').some((each) => !each.startsWith('https://'))) return undefined
  return config.netmaster === undefined || serverUrl(config.netmaster) === url ? config.token : undefined
}

function seconds(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw usage(`--wait takes a number of seconds, as in --wait=60; not '${text}'`)
}
