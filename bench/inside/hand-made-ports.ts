// A link and a port for each endpoint, as a script would make them: ip, ethtool and ovs-vsctl, on a bridge of its own.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

const bridge = 'bench-hand'

export class HandMadePorts {
  #count = 0

  private constructor() {}

  static async open(): Promise<HandMadePorts> {
    const type = existsSync('/sys/module/openvswitch') ? 'system' : 'netdev'
    await shell(`ovs-vsctl add-br ${bridge} -- set bridge ${bridge} datapath_type=${type} fail_mode=secure`)
    return new HandMadePorts()
  }

  async add(): Promise<void> {
    const name = `bh${this.#count++}`
    await shell(`ip link add ${name} mtu 1550 type veth peer name ${name}p mtu 1550
      ethtool -K ${name}p tx off >/dev/null
      ip link set ${name} up
      ovs-vsctl add-port ${bridge} ${name}`)
  }

  async close(): Promise<void> {
    await shell(`ovs-vsctl del-br ${bridge}`)
    for (let index = 0; index < this.#count; index++) await shell(`ip link del bh${index}`)
  }
}

async function shell(script: string): Promise<void> {
  await promisify(execFile)('sh', ['-ec', script], { timeout: 20_000 })
}
