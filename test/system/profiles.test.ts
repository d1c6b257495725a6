// Network profiles on real connections: what members of a group may send and get, measured with iperf3, and how their
// packets are marked; while the profile changes, while netplugin is away, and after Open vSwitch came back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLayer } from '../../src/protocols/packet/index.ts'
import { Capture } from '../support/capture.ts'
import { type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { stepsOf } from '../support/steps.ts'

const megabit = 1024 ** 2
const dscp = 46

/** What `iperf3 -J` says, as far as we ask. */
interface Report {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } }
}

/** Bits a second that arrive; `-R` from the server to the client. */
async function measure(client: Container, server: Container, flags: string, seconds: number): Promise<number> {
  const report = await client.sh(`iperf3 -c ${server.ipv4} -t ${seconds} -J ${flags}`, { timeoutMs: 20_000 })
  return (JSON.parse(report) as Report).end.sum_received.bits_per_second
}

const toServer = ''
const fromServer = '-R'
const ways = [toServer, fromServer]

interface Cast {
  readonly lab: TestLab
  readonly netctl: (line: string) => Promise<string>
  /** On node1, in the group that gets profiles. */
  readonly server: Container
  /** One on each host. */
  readonly clients: readonly [near: Container, far: Container]
}

async function populate(lab: TestLab): Promise<Cast> {
  const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
  await netctl('net create net --subnet 10.1.0.0/16 --gateway 10.1.255.254')
  await netctl(`netprofile create -b 10Mbps -d ${dscp} slow`)
  await netctl('group create -n slow net limited')
  await netctl('group create net free')
  const [server, near, far] = await startContainers(lab, [
    { name: 'server', host: 'node1', network: 'limited.net', image: 'tools' },
    { name: 'near', host: 'node1', network: 'free.net', image: 'tools' },
    { name: 'far', host: 'node2', network: 'free.net', image: 'tools' },
  ])
  assert.ok(server && near && far)
  await server.sh('iperf3 -s -D')
  for (const client of [near, far]) {
    await lab.until(`${client.name} to reach the server`, async () =>
      (await client.succeeds(`ping -c 1 -W 1 ${server.ipv4}`)) ? true : undefined,
    )
  }
  return { lab, netctl, server, clients: [near, far] }
}

const meters = async (lab: TestLab, host = 'node1') =>
  (await lab.execOk(host, 'ovs-ofctl -O OpenFlow14 dump-meters np-int'))
    .split('\n')
    .filter((line) => /rate=/.test(line))

function assertWithin(what: string, rate: number, limit: number, least: number): void {
  const share = rate / limit
  assert.ok(share >= least && share <= 1.1, `${what}: ${(rate / megabit).toFixed(2)} Mbit/s of ${limit / megabit}`)
}

test('network profiles', { skip: labSkip, timeout: 150_000 }, (t) =>
  withLab({ name: 'profile' }, async (lab) => {
    const step = stepsOf(t)
    const { netctl, server, clients } = await populate(lab)
    const [near, far] = clients
    const figures: string[] = []
    const held = async (client: Container, limit: number, flags: string, { least = 0.8, seconds = 2 } = {}) => {
      const rate = await measure(client, server, flags, seconds)
      figures.push(`${client.name} ${flags} ${(rate / limit).toFixed(2)}`)
      assertWithin(`${client.name} ${flags}`, rate, limit, least)
    }

    await step('TCP gets the bandwidth in each direction, and UDP never more', async () => {
      for (const flags of ways) await held(far, 10 * megabit, flags, { seconds: 3 })
      for (const flags of ways) await held(far, 10 * megabit, `-u -b 40M ${flags}`, { least: 0, seconds: 3 })
    })

    await step('its packets are marked where they arrive, and outside the tunnel', async () => {
      const inside = await Capture.inContainer(lab, far, { device: 'eth0', filter: 'icmp' })
      const outside = await Capture.onHost(lab, 'underlay', { device: 'data', filter: 'udp port 4789' })
      await server.sh(`ping -c 1 ${far.ipv4}`)
      const marked = (frame: Parameters<typeof findLayer>[0]) => findLayer(frame, 'ipv4')?.dscp === dscp
      await inside.seen('a marked ping', marked)
      await outside.seen('a marked tunnel packet', marked)
      await inside.stop()
      await outside.stop()
    })

    await step('a changed profile counts at once', async () => {
      await netctl('netprofile create -b 4Mbps slow')
      await lab.until('the new rate', async () => (await meters(lab))[0]?.includes('rate=4194') || undefined)
      await held(far, 4 * megabit, toServer)
    })

    await step('it counts while netplugin is away, and after Open vSwitch came back', async () => {
      await lab.kill('node1', 'netplugin')
      await held(far, 4 * megabit, fromServer)
      await lab.start('node1', 'netplugin')
      const before = await meters(lab)
      await lab.kill('node1', 'ovs-vswitchd')
      await lab.start('node1', 'ovs-vswitchd')
      await lab.until('the meters', async () => (await meters(lab)).length === before.length || undefined)
      await lab.until('an answer', async () => (await near.succeeds(`ping -c 1 -W 1 ${server.ipv4}`)) || undefined)
      await held(near, 4 * megabit, toServer)
    })

    await step('without a profile there is no limit', async () => {
      await netctl('group create -n "" net limited')
      await lab.until('the meters to be gone', async () => (await meters(lab)).length === 0 || undefined)
      for (const flags of ways) assert.ok((await measure(near, server, flags, 1)) > 40 * megabit)
    })

    await step('with a container goes all that limited it', async () => {
      await netctl('group create -n slow net limited')
      await lab.until('its meters', async () => (await meters(lab)).length === 2 || undefined)
      await lab.execOk('node1', 'docker rm -f server')
      await lab.until('nothing to be left', async () => {
        const flows = await lab.execOk('node1', 'ovs-ofctl -O OpenFlow14 dump-flows np-int')
        return ((await meters(lab)).length === 0 && !flows.includes('meter:')) || undefined
      })
    })
    t.diagnostic(`share of the bandwidth: ${figures.join('; ')}`)
  }),
)
