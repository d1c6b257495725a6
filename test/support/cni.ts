// CNI calls in the hosts of a lab, by the executable, as a runtime makes them.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { buildShim } from '../../tools/build-native.ts'
import type { TestLab } from './lab.ts'

/** Built once for each run of the tests; the same path in every host. */
const executable = fileURLToPath(new URL(`../../.cache/netplugin-cni-${process.pid}`, import.meta.url))
let built: ReturnType<typeof buildShim> | undefined

export async function shim(): Promise<string> {
  built ??= buildShim(executable)
  const result = await built
  assert.equal(result.kind, 'compiled', 'why' in result ? result.why : '')
  return executable
}

export interface CniCallOptions {
  readonly container?: string
  readonly netns?: string
  readonly ifname?: string
  readonly args?: string
  /** Besides version, name and type. */
  readonly config?: object
  /** Instead of the compiled executable. */
  readonly program?: readonly string[]
}

/** Of the network `n`, in the shape of 1.1.0. */
export interface CniOutput {
  readonly status: number
  readonly code?: number
  readonly msg?: string
  readonly interfaces?: readonly { readonly name: string; readonly mac: string; readonly sandbox?: string }[]
  readonly ips?: readonly { readonly address: string; readonly gateway?: string; readonly interface: number }[]
}

export async function cni(lab: TestLab, host: string, command: string, given: CniCallOptions = {}): Promise<CniOutput> {
  const { container = 'c1', ifname = 'eth0', args = '', config = {} } = given
  const environment = [
    `CNI_COMMAND=${command}`,
    `CNI_CONTAINERID=${container}`,
    `CNI_NETNS=${given.netns ?? `/run/netns/${container}`}`,
    `CNI_IFNAME=${ifname}`,
    `CNI_ARGS=${args}`,
    'CNI_PATH=/opt/cni/bin',
  ]
  const program = given.program ?? [await shim()]
  const input = JSON.stringify({ cniVersion: '1.1.0', name: 'n', type: 'netplugin-cni', ...config })
  const { code: status, stdout, stderr } = await lab.exec(host, ['env', ...environment, ...program], { input })
  assert.equal(stderr, '')
  return { ...(stdout === '' ? {} : (JSON.parse(stdout) as object)), status }
}

/** The same, and it must succeed. */
export async function cniOk(
  lab: TestLab,
  host: string,
  command: string,
  given: CniCallOptions = {},
): Promise<CniOutput> {
  const output = await cni(lab, host, command, given)
  assert.equal(output.status, 0, JSON.stringify(output))
  return output
}

/** Namespaces with their own loopback, as runtimes make them. */
export async function makeNamespaces(lab: TestLab, host: string, ...names: readonly string[]): Promise<void> {
  await lab.execOk(host, names.map((name) => `ip netns add ${name} && ip -n ${name} link set lo up`).join(' && '))
}
