// The flags of netmaster (specification 1.3), with the environment variables and older spellings that mean the same.

import { isIP } from 'node:net'
import type { NetpluginError } from '../lib/errors.ts'
import { describeFlags, type FlagValues, fillFlags, parseFlags, usage } from '../lib/flags.ts'
import { type LogLevel, logLevels } from '../lib/log.ts'
import { nodeTimeoutMs } from '../model/node.ts'
import type { Listen } from './listen.ts'
import { defaultLossTimes, type LossTimes } from './lost-nodes.ts'
import { defaultFlowLimits } from './objects/rule-budget.ts'
import { chooseStore, type StoreChoice, storeFlags, storeFlagsOf } from './store-flags.ts'

export interface NetmasterFlags {
  readonly mode: string
  readonly netMode: 'vlan' | 'vxlan'
  readonly fwdMode: 'bridge' | 'routing'
  readonly listen: Listen
  /** Where nodes are to reach it, when that differs; it then listens there too. */
  readonly control: Listen | undefined
  readonly store: StoreChoice
  readonly logLevel: LogLevel
  /** Flows that a rule, and that all rules, may be on one host. */
  readonly maxRuleFlows: number
  readonly maxHostFlows: number
  readonly loss: LossTimes
  /** About flags that are accepted and change nothing: for the log. */
  readonly notes: readonly string[]
}

export type FlagsAnswer =
  | { readonly kind: 'run'; readonly flags: NetmasterFlags }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }

const modes = ['docker', 'swarm-mode', 'kubernetes', 'test'] as const

const table = {
  mode: {
    kind: 'text',
    names: ['mode', 'plugin-mode', 'cluster-mode'],
    value: 'MODE',
    help: `what runs the containers: ${modes.join(', ')} (docker)`,
  },
  netMode: {
    kind: 'text',
    names: ['netmode', 'net-mode', 'network-mode'],
    value: 'MODE',
    help: 'encapsulation of networks that name none: vlan or vxlan; counts at the first start (vxlan)',
  },
  fwdMode: {
    kind: 'text',
    names: ['fwdmode', 'fwd-mode', 'forward-mode'],
    value: 'MODE',
    help: 'bridge or routing; counts at the first start, netctl global set changes it (routing)',
  },
  listen: {
    kind: 'text',
    names: ['external-address', 'listen-url'],
    value: 'ADDRESS:PORT',
    help: 'where to listen (0.0.0.0:9999)',
  },
  control: {
    kind: 'text',
    names: ['internal-address', 'control-url'],
    value: 'ADDRESS:PORT',
    help: 'where nodes reach it, when that differs; it listens there too',
  },
  ...storeFlags,
  logLevel: { kind: 'text', names: ['log-level'], value: 'LEVEL', help: `${logLevels.join(', ')} (info)` },
  maxRuleFlows: {
    kind: 'number',
    names: ['max-rule-flows'],
    value: 'NUMBER',
    help: `flows that a rule may be on one host; others are refused (${defaultFlowLimits.rule})`,
  },
  maxHostFlows: {
    kind: 'number',
    names: ['max-host-flows'],
    value: 'NUMBER',
    help: `flows that all rules may be on one host; a rule beyond is refused (${defaultFlowLimits.host})`,
  },
  nodeLostAfter: {
    kind: 'number',
    names: ['node-lost-after'],
    value: 'SECONDS',
    help: `a host that nobody hears of for so long is lost: others do without it (${defaultLossTimes.lostAfterMs / 1000})`,
  },
  nodeDeadAfter: {
    kind: 'number',
    names: ['node-dead-after'],
    value: 'SECONDS',
    help: `a lost host is taken for dead after so long, and its addresses are given back; 0: never (${defaultLossTimes.deadAfterMs / 1000})`,
  },
  debug: { kind: 'switch', names: ['debug'], help: '' },
  infra: { kind: 'text', names: ['infra', 'infra-type'], value: 'TYPE', help: '' },
  jsonLog: { kind: 'switch', names: ['use-json-log', 'json-log'], help: '' },
  syslog: { kind: 'switch', names: ['use-syslog', 'syslog'], help: '' },
  syslogUrl: { kind: 'text', names: ['syslog-url'], value: 'URL', help: '' },
  pluginName: { kind: 'text', names: ['name', 'plugin-name'], value: 'NAME', help: '' },
  dns: { kind: 'text', names: ['dns-enable'], value: 'BOOLEAN', help: '' },
  help: { kind: 'switch', names: ['help', 'h'], help: 'this text' },
  version: { kind: 'switch', names: ['version'], help: 'version of this program' },
} as const

/** Environment variables, under CONTIV_NETMASTER_. A flag counts more. */
const environment: Partial<Record<keyof typeof table, string>> = {
  mode: 'MODE',
  netMode: 'NET_MODE',
  fwdMode: 'FORWARD_MODE',
  listen: 'EXTERNAL_ADDRESS',
  logLevel: 'LOG_LEVEL',
  infra: 'INFRA',
  control: 'INTERNAL_ADDRESS',
  pluginName: 'PLUGIN_NAME',
  syslogUrl: 'SYSLOG_URL',
}

const helpHead = `Usage: netmaster [FLAG]...
       netmaster store check|backup|restore|copy    see netmaster store --help

Serves the API of the cluster, keeps its state, and streams it to the netplugin of every host.

`
const helpTail = `
Each flag with a value is also read from the environment: CONTIV_NETMASTER_MODE, _NET_MODE, _FORWARD_MODE,
_EXTERNAL_ADDRESS, _INTERNAL_ADDRESS, _LOG_LEVEL, _STATE_DIR, _STATE_STORE, _STORE_URL, _ETCD_ENDPOINTS, _CONSUL_ENDPOINTS, _STORE_PREFIX, _STORE_CA,
_STORE_CERT, _STORE_KEY, _STORE_USER, _STORE_PASSWORD_FILE.
`

/** The same for switches: true or false. */
const switches = { jsonLog: 'USE_JSON_LOG', syslog: 'USE_SYSLOG' } as const

/** Throws `invalid` errors for what cannot be used. */
export function readFlags(args: readonly string[], env: Readonly<Record<string, string | undefined>>): FlagsAnswer {
  const parsed = parseFlags(args, table)
  const [word] = parsed.words
  if (word !== undefined) throw usage(`unexpected argument ${JSON.stringify(word)}; netmaster takes flags only`)
  const values = fillFlags(table, { ...storeFlagsOf(env), ...fromEnvironment(env), ...parsed.values })
  if (values.help) return { kind: 'help', text: helpHead + describeFlags(table) + helpTail }
  if (values.version) return { kind: 'version' }
  refuseUnsupported(values)
  const level = values.debug ? 'debug' : (values.logLevel ?? 'info').toLowerCase()
  const mode = choose('--mode', values.mode ?? 'docker', modes)
  return {
    kind: 'run',
    flags: {
      mode,
      netMode: choose('--netmode', values.netMode ?? 'vxlan', ['vlan', 'vxlan']),
      fwdMode: choose('--fwdmode', values.fwdMode ?? 'routing', ['bridge', 'routing']),
      listen: parseListen('--listen-url (--external-address)', values.listen ?? '0.0.0.0:9999', mode === 'test'),
      control:
        values.control === undefined
          ? undefined
          : parseListen('--control-url (--internal-address)', values.control, mode === 'test'),
      store: chooseStore(values),
      logLevel: choose('--log-level', level, logLevels),
      maxRuleFlows: flowLimit('--max-rule-flows', values.maxRuleFlows ?? defaultFlowLimits.rule),
      maxHostFlows: flowLimit('--max-host-flows', values.maxHostFlows ?? defaultFlowLimits.host),
      loss: lossTimes(values.nodeLostAfter, values.nodeDeadAfter),
      notes: notesOn(values),
    },
  }
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | boolean> {
  const found: Record<string, string | boolean> = {}
  for (const [key, suffix] of Object.entries(switches)) {
    const value = env[`CONTIV_NETMASTER_${suffix}`]?.toLowerCase()
    if (value === 'true' || value === '1') found[key] = true
    else if (value !== undefined && value !== '' && value !== 'false' && value !== '0') {
      throw usage(`CONTIV_NETMASTER_${suffix} ${JSON.stringify(value)} is neither true nor false`)
    }
  }
  for (const [key, suffix] of Object.entries(environment)) {
    const value = env[`CONTIV_NETMASTER_${suffix}`]
    if (value !== undefined && value !== '') found[key] = value
  }
  return found
}

function refuseUnsupported(values: FlagValues<typeof table>): void {
  if (values.syslog) {
    throw usage('--use-syslog is not supported; the log goes to standard error, which a service manager can pass on')
  }
  if (values.infra !== undefined && values.infra !== 'default') {
    throw usage(`--infra ${JSON.stringify(values.infra)} is not supported; leave it out`)
  }
}

/** What is taken from older command lines although it has no effect here. */
function notesOn(values: FlagValues<typeof table>): string[] {
  const notes: string[] = []
  if (values.pluginName !== undefined && values.pluginName !== 'netplugin') {
    notes.push('--plugin-name has no effect on netmaster; give it to the netplugin of every host')
  }
  if (values.dns !== undefined) {
    notes.push('--dns-enable has no effect; every netplugin answers for the names of its containers')
  }
  if (values.syslogUrl !== undefined) notes.push('--syslog-url has no effect; the log goes to standard error')
  return notes
}

function choose<W extends string>(flag: string, text: string, words: readonly W[]): W {
  const word = words.find((candidate) => candidate === text)
  if (word !== undefined) return word
  throw usage(`${flag} ${JSON.stringify(text)} is not one of ${words.join(', ')}`)
}

/** Shorter than a few heartbeats, every hiccup would be a loss. */
function lossTimes(lostAfter: number | undefined, deadAfter: number | undefined): LossTimes {
  const lostAfterMs = lostAfter === undefined ? defaultLossTimes.lostAfterMs : lostAfter * 1000
  const deadAfterMs = deadAfter === undefined ? defaultLossTimes.deadAfterMs : deadAfter * 1000
  if (lostAfterMs < nodeTimeoutMs) {
    throw usage(`--node-lost-after ${lostAfter} is too short; give at least ${nodeTimeoutMs / 1000} seconds`)
  }
  return { lostAfterMs, deadAfterMs }
}

function flowLimit(flag: string, limit: number): number {
  if (limit >= 1) return limit
  throw usage(`${flag} ${limit} leaves no room for any rule; give a number from 1`)
}

/** `address:port`, `[v6]:port`, `:port` or `http://address:port`. Port 0 asks the system for one: for tests. */
function parseListen(flag: string, text: string, anyPort: boolean): Listen {
  const bad = (why: string): NetpluginError => usage(`${flag} ${JSON.stringify(text)} ${why}; write it as 0.0.0.0:9999`)
  const match = /^(?:http:\/\/)?(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  if (match === null) throw bad('is not address:port')
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  if (host !== '' && isIP(host) === 0) throw bad('has no IP address before the port')
  if (port > 65_535 || (port === 0 && !anyPort)) throw bad('has a port outside 1 to 65535')
  return { host: host === '' ? '0.0.0.0' : host, port }
}
