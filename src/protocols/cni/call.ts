// A call as the environment describes it (CNI specification, section 2): command, container, interface, arguments.

import { CniError, cniCode } from './error.ts'

export const commands = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const
export type CniCommand = (typeof commands)[number]

export interface CniCall {
  readonly command: CniCommand
  /** Empty where the command is about no container. */
  readonly containerId: string
  /** Path of the network namespace; may be empty for DEL. */
  readonly netns: string
  readonly ifname: string
  /** CNI_ARGS. */
  readonly args: ReadonlyMap<string, string>
}

type Environment = Readonly<Record<string, string>>

const required: Readonly<Record<CniCommand, readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  GC: [],
  STATUS: [],
  VERSION: [],
}

/** IFNAMSIZ of Linux less the byte that ends it. */
const longestInterfaceName = 15
/** What fits, with our mark, into the alias of a link. */
const longestContainerId = 200

/** Throws error 4 with the variable that is missing or wrong. */
export function parseCall(environment: Environment): CniCall {
  const command = commands.find((known) => known === environment.CNI_COMMAND)
  if (command === undefined) {
    const given = environment.CNI_COMMAND ?? ''
    throw invalid(`CNI_COMMAND ${JSON.stringify(given)} is none of ${commands.join(', ')}`)
  }
  const missing = required[command].filter((name) => (environment[name] ?? '') === '')
  if (missing.length > 0) throw invalid(`${missing.join(' and ')} must be set for ${command}`)
  const isAbout = required[command].length > 0
  const { CNI_CONTAINERID = '', CNI_IFNAME = '', CNI_NETNS = '', CNI_ARGS = '' } = environment
  return {
    command,
    containerId: isAbout ? checkContainerId(CNI_CONTAINERID) : '',
    netns: isAbout ? CNI_NETNS : '',
    ifname: isAbout ? checkInterfaceName(CNI_IFNAME) : '',
    args: parseArgs(CNI_ARGS),
  }
}

function checkContainerId(id: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(id)) {
    throw invalid(
      `CNI_CONTAINERID ${JSON.stringify(id)} may have letters, digits, "_", "." and "-", and begins with a letter or digit`,
    )
  }
  if (id.length > longestContainerId) {
    throw invalid(`CNI_CONTAINERID has ${id.length} characters; at most ${longestContainerId} can be used`)
  }
  return id
}

function checkInterfaceName(name: string): string {
  const refuse = (why: string) => invalid(`CNI_IFNAME ${JSON.stringify(name)} ${why}; choose another interface name`)
  if (Buffer.byteLength(name) > longestInterfaceName) throw refuse(`is longer than ${longestInterfaceName} characters`)
  if (name === '.' || name === '..') throw refuse('is no name of an interface')
  if (/[\s/:\0]/.test(name)) throw refuse('has a space, "/" or ":" in it')
  // Linux has files of these names beside those of the interfaces.
  if (['all', 'default', 'lo'].includes(name)) throw refuse('is a name that Linux keeps for itself')
  return name
}

/** `KEY=VALUE;KEY=VALUE`. */
function parseArgs(text: string): ReadonlyMap<string, string> {
  const args = new Map<string, string>()
  for (const pair of text.split(';').filter((part) => part !== '')) {
    const equals = pair.indexOf('=')
    if (equals <= 0) throw invalid(`CNI_ARGS: ${JSON.stringify(pair)} is not KEY=VALUE`)
    args.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim())
  }
  return args
}

function invalid(message: string): CniError {
  return new CniError(cniCode.invalidEnvironment, message)
}
