// The flags of netnames. netplugin gives them; a person only asks a running one how it is (`--status`) or ends it
// (`--stop`).

import { describeFlags, type Flags, fillFlags, parseFlags, usage } from '../lib/flags.ts'
import { type LogLevel, logLevels } from '../lib/log.ts'
import type { NamesConfig } from './config.ts'

export type FlagsAnswer =
  | { readonly kind: 'run'; readonly config: NamesConfig; readonly logLevel: LogLevel }
  | { readonly kind: 'status'; readonly socket: string }
  | { readonly kind: 'stop'; readonly socket: string }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }

const flags = {
  status: { kind: 'switch', names: ['status'], help: 'say what the running one does, as JSON' },
  stop: { kind: 'switch', names: ['stop'], help: 'end the running one; a netplugin that runs starts another at once' },
  socket: {
    kind: 'text',
    names: ['socket'],
    value: 'PATH',
    fallback: '/run/netplugin/netplugin-names.sock',
    help: 'where netplugin tells it about names',
  },
  resolvConf: {
    kind: 'text',
    names: ['resolv-conf'],
    value: 'PATH',
    fallback: '/etc/resolv.conf',
    help: 'servers for all other names',
  },
  rate: { kind: 'number', names: ['rate'], value: 'COUNT', help: 'questions a second from one container; 0: no limit' },
  program: { kind: 'text', names: ['program'], value: 'TEXT', fallback: '', help: '' },
  logLevel: { kind: 'text', names: ['log-level'], value: 'LEVEL', fallback: 'info', help: logLevels.join(', ') },
  help: { kind: 'switch', names: ['help', 'h'], help: 'this text' },
  version: { kind: 'switch', names: ['version'], help: 'the version' },
} as const satisfies Flags

/** Throws `invalid` USAGE. */
export function readFlags(args: readonly string[]): FlagsAnswer {
  const { values, words } = parseFlags(args, flags)
  const given = fillFlags(flags, values)
  if (given.help) {
    const text = `netnames: answers the DNS questions of a host's containers. netplugin starts it.\n\n${describeFlags(flags)}`
    return { kind: 'help', text }
  }
  if (given.version) return { kind: 'version' }
  if (words[0] !== undefined) throw usage(`netnames takes no arguments, but was given '${words[0]}'`)
  const { socket, resolvConf, program, rate = 0 } = given
  if (given.status) return { kind: 'status', socket }
  if (given.stop) return { kind: 'stop', socket }
  const logLevel = logLevels.find((level) => level === given.logLevel.toLowerCase())
  if (logLevel === undefined) throw usage(`--log-level ${given.logLevel} is none of ${logLevels.join(', ')}`)
  if (rate < 0) throw usage(`--rate ${rate} is less than 0`)
  return { kind: 'run', logLevel, config: { socket, resolvConf, rate, program } }
}
