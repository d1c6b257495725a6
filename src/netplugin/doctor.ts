// `netplugin doctor`: what is wrong with this host, and what to do.

import { readFileSync } from 'node:fs'
import { hostFindings } from '../core/doctor/host.ts'
import { NetpluginError } from '../lib/errors.ts'
import { findingLines, findingSummary } from '../lib/findings.ts'
import { describeFlags, type Flags, fillFlags, parseFlags, usage } from '../lib/flags.ts'
import type { NodeConfig } from './config.ts'
import { type DoctorDeps, doctorFacts } from './doctor-facts.ts'

const flags = {
  config: {
    kind: 'text',
    names: ['config'],
    value: 'FILE',
    fallback: '/run/netplugin/config.json',
    help: 'configuration that the running netplugin left',
  },
  json: { kind: 'switch', names: ['json'], help: 'print what was found as JSON' },
  help: { kind: 'switch', names: ['help', 'h'], help: 'this text' },
} as const satisfies Flags

export const doctorHelp = `Looks at this host: kernel, Open vSwitch, tunnels and the way to other hosts, netmaster, clock, disk. Changes nothing.

Usage: netplugin doctor [flags]

${describeFlags(flags)}
Exit status: 0 when nothing is bad, 1 when something is.
`

/** Prints what it found; answers the exit status. Throws `invalid` USAGE and `not-found` NEVER_STARTED. */
export async function runDoctor(
  args: readonly string[],
  { say, ...deps }: DoctorDeps & { readonly say: (line: string) => void },
  signal: AbortSignal,
): Promise<number> {
  const { words, values } = parseFlags(args, flags)
  if (words.length > 0) throw usage(`netplugin doctor takes no arguments, but was given '${words[0]}'`)
  const given = fillFlags(flags, values)
  if (given.help) {
    say(doctorHelp.trimEnd())
    return 0
  }
  const findings = hostFindings(await doctorFacts(readConfig(given.config), deps, signal))
  if (given.json) say(JSON.stringify(findings, null, 2))
  else for (const line of [...findingLines(findings), findingSummary(findings)]) say(line)
  return findings.some(({ level }) => level === 'bad') ? 1 : 0
}

function readConfig(path: string): NodeConfig {
  try {
    // Written by netplugin itself.
    return JSON.parse(readFileSync(path, 'utf8')) as NodeConfig
  } catch (cause) {
    const message = `cannot read ${path}: netplugin has not been started on this host; start it, or give --config`
    throw new NetpluginError('not-found', 'NEVER_STARTED', message, { cause })
  }
}
