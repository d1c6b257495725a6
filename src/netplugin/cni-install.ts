// `netplugin cni install`: puts the executable and a network configuration where container runtimes look for them.

import { copyFileSync, existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NetpluginError } from '../lib/errors.ts'
import { describeFlags, type Flags, fillFlags, parseFlags, usage } from '../lib/flags.ts'
import { makeFolder } from '../lib/folder.ts'
import { supportedVersions } from '../protocols/cni/index.ts'

export const pluginType = 'netplugin-cni'

const flags = {
  network: {
    kind: 'text',
    names: ['network'],
    value: 'NAME',
    help: 'network that containers get; none: no configuration',
  },
  tenant: { kind: 'text', names: ['tenant', 't'], value: 'NAME', fallback: 'default', help: 'its tenant' },
  group: { kind: 'text', names: ['group', 'g'], value: 'NAME', help: 'endpoint group of the containers' },
  name: { kind: 'text', names: ['name'], value: 'NAME', help: "what runtimes call it; the network's name by default" },
  binDir: { kind: 'text', names: ['bin-dir'], value: 'DIR', fallback: '/opt/cni/bin', help: 'for the executable' },
  confDir: {
    kind: 'text',
    names: ['conf-dir'],
    value: 'DIR',
    fallback: '/etc/cni/net.d',
    help: 'for the configuration',
  },
  cniVersion: {
    kind: 'text',
    names: ['cni-version'],
    value: 'VERSION',
    fallback: '1.0.0',
    help: supportedVersions.join(', '),
  },
  help: { kind: 'switch', names: ['help', 'h'], help: 'this text' },
} as const satisfies Flags

export const cniInstallHelp = `Usage: netplugin cni install [flags]\n\n${describeFlags(flags)}`

interface Deps {
  /** Where the executable may be, the best first. */
  readonly executables: readonly string[]
  readonly say: (line: string) => void
}

export interface ConfigWish {
  readonly name: string
  readonly cniVersion: string
  readonly tenant: string
  readonly network: string
  /** Empty: none. */
  readonly group: string
}

/** Throws `invalid` USAGE, `not-found` NO_EXECUTABLE, and what writing fails with. */
export function installCni(args: readonly string[], { executables, say }: Deps): void {
  const { words, values } = parseFlags(args, flags)
  const given = fillFlags(flags, values)
  if (given.help) {
    say(cniInstallHelp.trimEnd())
    return
  }
  if (words.length > 0) throw usage(`netplugin cni install takes no argument '${words[0]}'`)
  if (!supportedVersions.includes(given.cniVersion)) {
    throw usage(`--cni-version ${given.cniVersion} is none of ${supportedVersions.join(', ')}`)
  }
  const executable = executables.find(existsSync)
  if (executable === undefined) {
    const message = `there is no ${pluginType} at ${executables.join(' or ')}; run: make build`
    throw new NetpluginError('not-found', 'NO_EXECUTABLE', message)
  }
  makeFolder(given.binDir, { purpose: 'folder of CNI plugins', flag: '--bin-dir' })
  const target = join(given.binDir, pluginType)
  // In one step: a runtime may be about to start it.
  copyFileSync(executable, `${target}.new`)
  renameSync(`${target}.new`, target)
  say(`${target} is in place`)
  if (given.network === undefined) {
    if (given.group !== undefined) throw usage('--group needs the --network that it belongs to')
    return
  }
  const { network, tenant, group = '', cniVersion, name = network } = given
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw usage(`--name ${name}: use letters, digits, "_", "." and "-"`)
  makeFolder(given.confDir, { purpose: 'folder of CNI configurations', flag: '--conf-dir' })
  const file = join(given.confDir, `10-${name}.conflist`)
  writeFileSync(`${file}.new`, configText({ name, cniVersion, tenant, network, group }))
  renameSync(`${file}.new`, file)
  say(`${file} is in place: containers on network ${name} are in ${network} of tenant ${tenant}`)
}

export function configText({ name, cniVersion, tenant, network, group }: ConfigWish): string {
  const plugin = {
    type: pluginType,
    tenant,
    network,
    ...(group === '' ? {} : { group }),
    capabilities: { ips: true, mac: true, portMappings: true, bandwidth: true, dns: true },
  }
  return `${JSON.stringify({ cniVersion, name, plugins: [plugin] }, null, 2)}\n`
}
