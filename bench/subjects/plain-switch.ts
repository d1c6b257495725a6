// What one would build by hand instead: a bridge of the same Open vSwitch that learns addresses (action NORMAL), with
// containers on it; and a VXLAN tunnel between two such bridges.

import type { TestLab } from '../../test/support/lab.ts'

const bridge = 'bench-plain'

/** Makes the bridge on a host; with `remote`, the address of another host's tunnel end, it reaches that one too. */
export async function makeBridge(lab: TestLab, host: string, remote?: string): Promise<void> {
  const kernel = await lab.exec(host, 'test -d /sys/module/openvswitch')
  const type = kernel.code === 0 ? 'system' : 'netdev'
  await lab.execOk(host, `ovs-vsctl add-br ${bridge} -- set bridge ${bridge} datapath_type=${type}`)
  if (remote === undefined) return
  const tunnel = 'bench-vxlan'
  const options = `type=vxlan options:remote_ip=${remote} options:key=4242`
  await lab.execOk(host, `ovs-vsctl add-port ${bridge} ${tunnel} -- set interface ${tunnel} ${options}`)
}

/** Gives a container without network one end of a veth, the bridge the other. */
export async function plug(
  lab: TestLab,
  host: string,
  container: { readonly pid: string; readonly address: string; readonly mtu: number },
): Promise<void> {
  const { pid, address, mtu } = container
  const port = `bench${pid}`
  await lab.execOk(
    host,
    `set -e
    ip link add ${port} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${pid}
    ethtool -K ${port} tx off >/dev/null
    ip link set ${port} up
    nsenter -t ${pid} -n ethtool -K eth0 tx off >/dev/null
    nsenter -t ${pid} -n ip address add ${address}/16 dev eth0
    nsenter -t ${pid} -n ip link set eth0 up
    ovs-vsctl add-port ${bridge} ${port}`,
  )
}

/** Removes the bridge and its links; the containers' ends go with them. */
export async function removeBridge(lab: TestLab, host: string): Promise<void> {
  await lab.execOk(
    host,
    `for port in $(ovs-vsctl list-ports ${bridge}); do ovs-vsctl del-port ${bridge} $port; ip link del $port 2>/dev/null; done
    ovs-vsctl del-br ${bridge}`,
  )
}
