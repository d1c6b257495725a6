// Help texts, made from the declarations of the commands.

import { describeFlags, type Flags } from '../lib/flags.ts'
import type { Command, Topic } from './command.ts'

export const defaultNetmaster = 'http://netmaster:9999'

export const globalFlags = {
  netmaster: {
    kind: 'text',
    names: ['netmaster'],
    value: 'URL,…',
    help: `Where netmasters listen; else from NETMASTER, ~/.netctl/config.json, ${defaultNetmaster}`,
  },
  insecure: {
    kind: 'switch',
    names: ['insecure'],
    help: 'Accept any TLS certificate; also from INSECURE=true',
  },
  wait: {
    kind: 'text',
    names: ['wait'],
    value: 'SECONDS',
    alone: '60',
    help: 'After a change, wait so long for every live node to apply it, and fail if one does not; =0 does not wait',
  },
  version: { kind: 'switch', names: ['version'], help: 'Print the version of netctl' },
  help: { kind: 'switch', names: ['help', 'h'], help: 'Show help; after an object or a command, show help for it' },
} as const satisfies Flags

export function programHelp(topics: readonly Topic[], plain: readonly Command[]): string {
  const rows = [
    ...topics.map((topic) => [topic.names.join(', '), topic.summary] as const),
    ...plain.map((command) => [command.names.join(', '), command.summary] as const),
  ]
  return [
    'Usage: netctl [--netmaster URL] OBJECT COMMAND [FLAGS] [ARGUMENTS]\n',
    'Creates, lists and removes what a netplugin cluster consists of.\n',
    `Objects:\n${columns(rows)}`,
    `Flags everywhere:\n${describeFlags(globalFlags)}`,
    'Example:\n  netctl network create web --subnet=10.1.1.0/24 --gateway=10.1.1.254\n',
    '`netctl OBJECT --help` lists its commands.\n',
  ].join('\n')
}

export function topicHelp(topic: Topic): string {
  const rows = topic.commands.map((command) => [command.names.join(', '), command.summary] as const)
  const names = topic.names.length > 1 ? ` (also: ${topic.names.slice(1).join(', ')})` : ''
  return [
    `Usage: netctl ${topic.names[0]} COMMAND [FLAGS] [ARGUMENTS]\n`,
    `${topic.summary}${names}.\n`,
    `Commands:\n${columns(rows)}`,
    `\`netctl ${topic.names[0]} COMMAND --help\` lists the flags of a command.\n`,
  ].join('\n')
}

/** `path` is what leads to the command: `network create`. */
export function commandHelp(path: string, command: Command): string {
  const words = command.args.map((name) => ` ${name.toUpperCase()}`).join('')
  const flags = describeFlags(command.flags)
  const parts = [`Usage: netctl ${path}${flags === '' ? '' : ' [FLAGS]'}${words}\n`, `${command.summary}.\n`]
  if (flags !== '') parts.push(`Flags:\n${flags}`)
  return parts.join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}
