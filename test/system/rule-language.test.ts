// What rules can say, on real connections: lists and ranges of ports and addresses, of both families, by names with
// underscores; a rule that is typed again with other values.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { stepsOf } from '../support/steps.ts'

const ports = [8000, 8001, 8050] as const
type Port = (typeof ports)[number]

interface Cast {
  readonly server: Container
  readonly near: Container
  readonly far: Container
}

test('port lists, ranges and lists of addresses', { skip: labSkip, timeout: 120_000 }, (t) =>
  withLab({ name: 'polrl' }, async (lab) => {
    const step = stepsOf(t)
    const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
    const rule = (line: string) => netctl(`policy rule-add prod_web ${line}`)
    const cast = await populate(lab, netctl)
    const { server, near, far } = cast
    const all = ports
    const none: readonly Port[] = []
    const only = async (client: Container, v4: readonly Port[], v6: readonly Port[]) =>
      assert.deepEqual(
        [await openPorts(client, server.ipv4), await openPorts(client, `[${server.ipv6}]`)],
        [v4, v6],
        client.name,
      )
    await step('a list and a range of ports are open, and what lies between is not', async () => {
      await only(far, all, all)
      await rule('deny_tcp -l tcp -j deny')
      await rule('some_ports -l tcp -P 8000,8040-8060 -p 10')
      await only(near, [8000, 8050], [8000, 8050])
      await only(far, [8000, 8050], [8000, 8050])
    })
    await step('the rule typed again with other ports has only those', async () => {
      await rule('some_ports -l tcp -P 8001-8049 -p 10')
      await only(near, [8001], [8001])
      await only(far, [8001], [8001])
    })
    await step('a range of addresses ends with its last one', async () => {
      await rule(`some_ports -p 10 -l tcp -P 8000-8060 -i 10.1.0.0-${near.ipv4},${near.ipv6}-${near.ipv6}`)
      await only(near, all, all)
      await only(far, none, none)
    })
    await step('an address of one family says nothing about the other', async () => {
      await rule(`some_ports -p 10 -l tcp -i 198.51.100.0/24,${far.ipv6}`)
      await only(near, none, none)
      await only(far, none, all)
    })
    await step('without its rules everything is open', async () => {
      for (const id of ['some_ports', 'deny_tcp']) await netctl(`policy rule-rm prod_web ${id}`)
      await only(near, all, all)
      await only(far, all, all)
    })
  }),
)

async function populate(lab: TestLab, netctl: (line: string) => Promise<string>): Promise<Cast> {
  const subnets = '--subnet 10.1.0.0/16 --gateway 10.1.255.254 --subnetv6 2001:db8:1::/64 --gatewayv6 2001:db8:1::fe'
  await netctl(`net create contiv_net ${subnets}`)
  await netctl('policy create prod_web')
  await netctl('group create -p prod_web contiv_net web_1')
  // Addresses are given out in order: the near client has a lower one than the far one.
  const [near] = await startContainers(lab, [{ name: 'near', host: 'node1', network: 'contiv_net', image: 'tools' }])
  const [far, server] = await startContainers(lab, [
    { name: 'far', host: 'node2', network: 'contiv_net', image: 'tools' },
    { name: 'server', host: 'node1', network: 'web_1.contiv_net', image: 'tools' },
  ])
  assert.ok(near && far && server)
  await server.sh(ports.map((port) => `httpd -p ${port} -h /w`).join('; '))
  await lab.until('the server to be known everywhere', async () => {
    const pings = [near, far].map((client) => client.succeeds(`ping -c 1 -W 1 ${server.ipv4}`))
    return (await Promise.all(pings)).every(Boolean) || undefined
  })
  return { server, near, far }
}

async function openPorts(client: Container, address: string): Promise<readonly Port[]> {
  const opens = (port: Port) =>
    client.succeeds(`curl -g -s -o /dev/null --connect-timeout 1 --max-time 3 'http://${address}:${port}/'`)
  const answers = await Promise.all(ports.map(opens))
  return ports.filter((_, index) => answers[index])
}
