// What goes wrong: each fault begins, and answers how it ends.

import type { ProgramName } from '../../src/netlab/plan.ts'
import type { TestLab } from '../support/lab.ts'
import type { Numbers } from '../support/numbers.ts'
import { hosts } from './cluster.ts'
import { startAgain } from './programs.ts'

export interface Fault {
  readonly what: string
  /** Whose containers are started again. */
  readonly restarts?: string
  /** Everything works again when it resolves. */
  readonly end: () => Promise<void>
}

const killable = ['netplugin', 'netmaster', 'ovs-vswitchd', 'ovsdb-server', 'etcd', 'dockerd'] as const
const pausable = ['netplugin', 'netmaster', 'etcd', 'ovs-vswitchd'] as const
const stateDirectory = '/var/lib/netplugin'

export async function beginFault(lab: TestLab, chance: Numbers): Promise<Fault> {
  const host = chance.pick(hosts)
  const dice = chance.fraction()
  if (dice < 0.5) return killed(lab, host, chance.pick(killable))
  if (dice < 0.65) return paused(lab, host, chance.pick(pausable))
  if (dice < 0.8) return parted(lab, host, chance)
  if (dice < 0.87) return unplugged(lab, host)
  if (dice < 0.94) return diskFull(lab, host)
  return storeLost(lab)
}

async function killed(lab: TestLab, host: string, program: ProgramName): Promise<Fault> {
  await lab.kill(host, program)
  const end = async () => {
    await startAgain(lab, host, program)
    // Without its database ovs-vswitchd does nothing at all, and it looks for it each eight seconds only.
    if (program === 'ovsdb-server') await lab.execOk(host, 'ovs-ofctl --timeout=20 dump-desc np-int')
  }
  return { what: `${program} of ${host} is killed`, end, ...(program === 'dockerd' ? { restarts: host } : {}) }
}

async function paused(lab: TestLab, host: string, program: ProgramName): Promise<Fault> {
  await lab.kill(host, program, 'STOP')
  return { what: `${program} of ${host} is stopped by SIGSTOP`, end: () => lab.kill(host, program, 'CONT') }
}

async function parted(lab: TestLab, host: string, chance: Numbers): Promise<Fault> {
  const other = chance.pick(hosts.filter((each) => each !== host))
  const links = chance.pick(['control', 'data', 'both'] as const)
  await lab.partition(host, other, links)
  return { what: `${host} and ${other} are parted (${links})`, end: () => lab.heal() }
}

async function unplugged(lab: TestLab, host: string): Promise<Fault> {
  await lab.execOk(host, 'ip link set eth0 down')
  return { what: `eth0 of ${host} is down`, end: async () => void (await lab.execOk(host, 'ip link set eth0 up')) }
}

/** A small disk without room lies over netplugin's files; they are there again afterwards. */
async function diskFull(lab: TestLab, host: string): Promise<Fault> {
  const fill = `mount -t tmpfs -o size=64k full ${stateDirectory} && head -c 1M /dev/zero > ${stateDirectory}/fill; true`
  await lab.execOk(host, fill)
  return {
    what: `the disk of ${host} is full`,
    end: async () => void (await lab.execOk(host, `umount ${stateDirectory}`)),
  }
}

/** Two of three members: no majority. */
async function storeLost(lab: TestLab): Promise<Fault> {
  const two = ['node2', 'node3'] as const
  for (const host of two) await lab.kill(host, 'etcd')
  return {
    what: 'the store has no majority',
    end: async () => void (await Promise.all(two.map((host) => startAgain(lab, host, 'etcd')))),
  }
}
