// Which Open vSwitch datapath the lab's hosts use: the kernel's where there is one, else the userspace one.

import { existsSync } from 'node:fs'
import { runCommand } from '../lib/command.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { DatapathChoice } from './options.ts'
import type { Datapath } from './plan.ts'

/** Loads the kernel module when it is there but not in use yet, as Open vSwitch's own service does. */
export async function chooseDatapath(choice: DatapathChoice, signal: AbortSignal): Promise<Datapath> {
  if (choice === 'netdev') return 'netdev'
  if (await kernelHasOvs(signal)) return 'system'
  if (choice === 'auto') return 'netdev'
  throw new NetpluginError(
    'unavailable',
    'DATAPATH_MISSING',
    'this kernel has no openvswitch module; use --datapath netdev, or leave --datapath out',
  )
}

async function kernelHasOvs(signal: AbortSignal): Promise<boolean> {
  const loaded = () => existsSync('/sys/module/openvswitch')
  if (loaded()) return true
  try {
    await runCommand(['modprobe', '-a', '-q', 'openvswitch', 'vport-vxlan'], {}, signal)
  } catch {
    // No modprobe: no modules.
    signal.throwIfAborted()
  }
  return loaded()
}
