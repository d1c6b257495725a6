// `netplugin attach` and `detach`: a namespace, a VM's tap or another interface of the host becomes an endpoint by hand. Both ask
// the netplugin that runs here, as a runtime's executable does.

import { basename, isAbsolute } from 'node:path'
import { NetpluginError } from '../lib/errors.ts'
import { describeFlags, type Flags, type FlagValues, fillFlags, parseFlags, usage } from '../lib/flags.ts'
import { callDaemon, decodeResult, parseDocument } from '../protocols/cni/index.ts'
import { pluginType } from './cni-install.ts'

const common = {
  name: {
    kind: 'text',
    names: ['name', 'n'],
    value: 'NAME',
    help: 'what it is called: its name in DNS, and for detach',
  },
  netns: {
    kind: 'text',
    names: ['netns'],
    value: 'NAMESPACE',
    help: 'network namespace: a path, a name in /run/netns, or the number of a process',
  },
  interface: {
    kind: 'text',
    names: ['interface', 'i'],
    value: 'NAME',
    fallback: 'eth0',
    help: 'its name in the namespace',
  },
  device: {
    kind: 'text',
    names: ['device'],
    value: 'NAME',
    help: 'instead of a namespace: an interface of this host, such as the tap of a VM',
  },
  cniSocket: {
    kind: 'text',
    names: ['cni-socket'],
    value: 'PATH',
    fallback: '/run/netplugin/cni.sock',
    help: 'where netplugin listens',
  },
  help: { kind: 'switch', names: ['help', 'h'], help: 'this text' },
} as const satisfies Flags

const attachFlags = {
  network: { kind: 'text', names: ['network'], value: 'NAME', help: 'the network' },
  tenant: { kind: 'text', names: ['tenant', 't'], value: 'NAME', fallback: 'default', help: 'its tenant' },
  group: { kind: 'text', names: ['group', 'g'], value: 'NAME', help: 'endpoint group' },
  ip: {
    kind: 'list',
    names: ['ip'],
    value: 'ADDRESS',
    help: 'this address instead of any; IPv4 and IPv6 may be given',
  },
  mac: {
    kind: 'text',
    names: ['mac'],
    value: 'MAC',
    help: 'this MAC address; that of the VM, or of the machine, behind a device',
  },
  ...common,
} as const satisfies Flags

const patienceMs = 60_000

type Say = (line: string) => void

/** Throws `invalid` USAGE, `unavailable` CNI_UNREACHABLE, and what netplugin refuses with. */
export async function attachByHand(args: readonly string[], say: Say): Promise<void> {
  const { words, values } = parseFlags(args, attachFlags)
  const given = fillFlags(attachFlags, values)
  if (given.help) {
    say(
      `Usage: netplugin attach --netns NAMESPACE --network NETWORK --name NAME [flags]\n\n${describeFlags(attachFlags)}`,
    )
    return
  }
  const { network, tenant, group, mac = '', ip } = given
  if (network === undefined) throw usage('netplugin attach needs --network')
  const target = targetOf('attach', words, given)
  const config = {
    tenant,
    network,
    ...(group === undefined ? {} : { group }),
    ...(given.device === undefined ? {} : { device: given.device }),
    runtimeConfig: { ips: ip, mac },
  }
  const { interfaces, ips } = decodeResult(parseDocument(await call(target, 'ADD', config)))
  const own = interfaces.at(-1)
  say(`${target.name}: ${own?.name ?? ''} with MAC address ${own?.mac ?? ''}`)
  for (const { address, gateway } of ips) say(`  ${address}${gateway === '' ? '' : `, gateway ${gateway}`}`)
}

/** The same errors. What is not attached is no error. */
export async function detachByHand(args: readonly string[], say: Say): Promise<void> {
  const { words, values } = parseFlags(args, common)
  const given = fillFlags(common, values)
  if (given.help) {
    say(`Usage: netplugin detach --name NAME [--interface NAME | --device NAME]\n\n${describeFlags(common)}`)
    return
  }
  const target = targetOf('detach', words, given)
  await call(target, 'DEL', {})
  say(`${target.name}: ${target.ifname} is detached`)
}

interface Target {
  readonly name: string
  readonly netns: string
  readonly ifname: string
  readonly socket: string
}

function targetOf(command: 'attach' | 'detach', words: readonly string[], given: FlagValues<typeof common>): Target {
  if (words.length > 0) throw usage(`netplugin ${command} takes no argument '${words[0]}'`)
  const { name, netns, device, interface: ifname, cniSocket: socket } = given
  if (name === undefined || name === '') throw usage(`netplugin ${command} needs --name`)
  if (netns !== undefined && device !== undefined) throw usage('give --netns or --device, not both')
  if (command === 'attach' && netns === undefined && device === undefined) {
    throw usage('netplugin attach needs --netns, or the --device of a VM or a machine')
  }
  return { name, netns: namespacePath(netns), ifname: device ?? ifname, socket }
}

function namespacePath(netns: string | undefined): string {
  // Of a device: it stays in the host's.
  if (netns === undefined || netns === '') return '/proc/1/ns/net'
  if (/^\d+$/.test(netns)) return `/proc/${netns}/ns/net`
  return isAbsolute(netns) ? netns : `/run/netns/${basename(netns)}`
}

async function call({ name, netns, ifname, socket }: Target, command: string, config: object): Promise<string> {
  const { status, output } = await callDaemon(
    socket,
    {
      environment: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: name,
        CNI_NETNS: command === 'DEL' ? '' : netns,
        CNI_IFNAME: ifname,
        CNI_ARGS: `K8S_POD_NAME=${name}`,
      },
      input: JSON.stringify({ cniVersion: '1.1.0', name: 'by-hand', type: pluginType, ...config }),
    },
    AbortSignal.timeout(patienceMs),
  )
  if (status === 0) return output
  const { msg, details } = parseDocument(output)
  throw new NetpluginError('invalid', typeof details === 'string' ? details : 'REFUSED', String(msg))
}
