// Services on real connections: clients on both hosts, providers that come, go and die, and what is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceStatsAnswer } from '../../src/model/counts.ts'
import { type Container, startContainer, startContainers } from '../support/containers.ts'
import { labSkip, type TestLabOptions, withLab } from '../support/lab.ts'
import {
  answersTo,
  idle,
  labelled,
  populate,
  type ServiceCast,
  startLoad,
  untilAnswers,
} from '../support/service-lab.ts'
import { type Step, stepsOf } from '../support/steps.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
}

const modes: readonly Mode[] = [
  { title: 'VXLAN, routing', lab: { name: 'svcvr' } },
  { title: 'VXLAN, bridge', lab: { name: 'svcxb', fwdMode: 'bridge' } },
  { title: 'VLAN, bridge', lab: { name: 'svcvb', netMode: 'vlan' } },
]

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 280_000 }, (t) =>
    withLab(mode.lab, async (lab) => {
      const step = stepsOf(t)
      const cast = await populate(lab)
      await serving(step, cast)
      await sticking(step, cast)
      await judged(step, cast)
      await apart(step, cast)
      await changing(step, cast)
      await withoutAgent(step, cast)
      await dying(step, cast)
      await cutting(step, cast)
    }),
  )
}

const address = '10.1.0.100'
const url = `http://${address}:8080/`

async function serving(step: Step, cast: ServiceCast): Promise<void> {
  const { lab, clients, netctl } = cast
  const create = 'service create web --network front --selector tier=web --port 8080:80:TCP'
  await step('containers from before and after the service serve clients on every host', async () => {
    const options = labelled('tier=web', 'first=yes', 'n=1')
    await startContainer(lab, { name: 'web1', host: 'node1', network: 'front', options, image: 'tools' })
    await netctl(`${create} --preferred-ip ${address}`)
    await startContainer(lab, {
      name: 'web2',
      host: 'node2',
      network: 'front',
      options: labelled('tier=web', 'first=yes'),
    })
    await startContainer(lab, { name: 'other', host: 'node2', network: 'front', options: labelled('tier=other') })
    await untilAnswers(cast, url, 'web1 web2')
    const { Oper } = JSON.parse(await netctl('service inspect web'))
    assert.deepEqual([Oper.serviceVip, Oper.numProviders], [address, 2])
  })
  await step('its address answers pings, and its name leads to it', async () => {
    for (const client of clients) {
      await client.sh(`ping -c 1 -W 1 ${address}`)
      assert.match(await answersTo(client, 'http://web:8080/', 3), /^web\d( web\d)?$/)
    }
  })
  await step('a port that it does not have is refused at once, by TCP and by UDP', async () => {
    for (const client of clients) {
      assert.equal(await answersTo(client, `http://${address}:81/`, 3), 'refused')
      assert.match(await client.sh(`echo a | socat -t 2 - UDP:${address}:9 2>&1 || true`), /refused/)
    }
  })
  await step('providers count', async () => {
    const count = async () => JSON.parse(await netctl('service stats --json web')) as ServiceStatsAnswer
    const before = await count()
    assert.deepEqual([before.address, before.silent, before.providers.length], [address, [], 2])
    for (const client of clients) await answersTo(client, url, 10)
    for (const [index, provider] of (await count()).providers.entries()) {
      const { to, from } = before.providers[index] ?? assert.fail('another number of providers')
      assert.ok(provider.to.packets > to.packets && provider.to.bytes > to.bytes, 'what it got')
      assert.ok(provider.from.packets > from.packets && provider.from.bytes > from.bytes, 'what it sent')
    }
  })
  await step('UDP, and what providers complain about', async () => {
    const at = '10.1.0.104'
    await netctl(`service create datagrams --network front --selector tier=udp --port 7:7007:UDP --preferred-ip ${at}`)
    await startContainers(
      lab,
      ['node1', 'node2'].map((host) => ({
        name: `udp-${host}`,
        host,
        network: 'front',
        options: labelled('tier=udp'),
        ...idle,
      })),
    )
    const ask = (client: Container) => client.sh(`echo a | socat -t 1 - UDP:${at}:7 2>&1 || true`)
    for (const client of clients) {
      await lab.until('somebody to be there', async () => /refused/.test(await ask(client)) || undefined)
    }
    for (const host of ['node1', 'node2']) {
      const serve = ['socat', 'UDP-RECVFROM:7007,fork', `SYSTEM:echo udp-${host}`]
      await lab.execOk(host, ['docker', 'exec', '-d', `udp-${host}`, ...serve])
    }
    for (const client of clients) {
      const heard = new Set<string>()
      await lab.until(`both to answer ${client.name}`, async () => {
        heard.add((await ask(client)).trim())
        return (heard.has('udp-node1') && heard.has('udp-node2')) || undefined
      })
    }
  })
  await step('a provider may be its own client', async () => {
    await netctl('service create own --network front --selector n=1 --port 80:80:TCP --preferred-ip 10.1.0.101')
    const hears = () => lab.execOk('node1', 'docker exec web1 curl -s --max-time 2 http://10.1.0.101/')
    for (let times = 0; times < 5; times++) assert.equal((await hears()).trim(), 'web1')
    await netctl('service rm own')
  })
}

async function sticking(step: Step, cast: ServiceCast): Promise<void> {
  await step('a client may stick to one provider', async () => {
    await cast.netctl('service create sticky --network front --selector tier=web --port 80:80:TCP --affinity=client')
    const { Oper } = JSON.parse(await cast.netctl('service inspect sticky'))
    for (const client of cast.clients) {
      const first = await answersTo(client, `http://${Oper.serviceVip}/`)
      assert.match(first, /^web\d$/)
    }
    await cast.netctl('service rm sticky')
  })
}

async function judged(step: Step, cast: ServiceCast): Promise<void> {
  const { lab, netctl } = cast
  await step('policy judges the connection to the provider', async () => {
    await netctl('policy create guard')
    await netctl('group create -p guard front guarded')
    const options = labelled('tier=guarded')
    await startContainer(lab, { name: 'guarded1', host: 'node1', network: 'guarded.front', options })
    await netctl(
      'service create guarded-web --network front --selector tier=guarded --port 81:80:TCP --preferred-ip 10.1.0.102',
    )
    const at = 'http://10.1.0.102:81/'
    await untilAnswers(cast, at, 'guarded1')
    await netctl('policy rule-add -d in -l tcp -P 80 -j deny guard 1')
    for (const client of cast.clients) assert.equal(await answersTo(client, at, 2), 'silent')
    await netctl('policy rule-add -d in -l tcp -P 81 -j deny guard 1')
    for (const client of cast.clients) assert.equal(await answersTo(client, at, 3), 'guarded1')
    await netctl('service rm guarded-web')
  })
}

async function apart(step: Step, { lab, netctl }: ServiceCast): Promise<void> {
  await step('another tenant may have the same service', async () => {
    await netctl('tenant create blue')
    await netctl('net create -t blue front --subnet 10.1.0.0/16 --gateway 10.1.255.254 --pkt-tag 402')
    await netctl(
      `service create -t blue web --network front --selector tier=web --port 8080:80:TCP --preferred-ip ${address}`,
    )
    const network = 'front/blue'
    const [client] = await startContainers(lab, [
      { name: 'blue-client', host: 'node1', network, ...idle },
      { name: 'blue-web', host: 'node2', network, options: labelled('tier=web') },
    ])
    assert.ok(client)
    await untilAnswers({ lab, netctl, clients: [client] }, url, 'blue-web')
  })
}

/** What a client heard that is no answer. */
const failures = (heard: ReadonlyMap<string, number>) => [...heard].filter(([answer]) => !/^(web|more)\d$/.test(answer))

async function changing(step: Step, cast: ServiceCast): Promise<void> {
  const { lab, clients, netctl } = cast
  const pool = 'http://10.1.0.105/'
  const create = (...labels: readonly string[]) => {
    const selectors = labels.map((label) => `--selector ${label}`).join(' ')
    return netctl(`service create pool --network front ${selectors} --port 80:80:TCP --preferred-ip 10.1.0.105`)
  }
  await step('no connection fails while providers come, and other services come and go', async () => {
    const more = ['node1', 'node2'].map((host, index) => ({ name: `more${index}`, host, network: 'front' }))
    await startContainers(
      lab,
      more.map((spec) => ({ ...spec, options: labelled('tier=web') })),
    )
    await untilAnswers(cast, url, 'more0 more1 web1 web2')
    await create('tier=web', 'first=yes')
    await untilAnswers(cast, pool, 'web1 web2')
    const loads = await Promise.all(clients.map((client) => startLoad(lab, client, pool)))
    for (const name of ['a', 'b', 'c']) {
      await netctl(`service create ${name} --network front --selector tier=web --port 80:80:TCP`)
    }
    await create('tier=web')
    for (const name of ['a', 'b', 'c']) await netctl(`service rm ${name}`)
    await untilAnswers(cast, pool, 'more0 more1 web1 web2')
    for (const load of loads) {
      const heard = await load.stop()
      assert.deepEqual(failures(heard), [])
      assert.equal(heard.size, 4)
    }
  })
  await step('when some are no providers any more, no connection fails', async () => {
    const loads = await Promise.all(clients.map((client) => startLoad(lab, client, pool)))
    await create('tier=web', 'first=yes')
    await untilAnswers(cast, pool, 'web1 web2')
    for (const load of loads) assert.deepEqual(failures(await load.stop()), [])
    await netctl('service rm pool')
  })
}

async function withoutAgent(step: Step, cast: ServiceCast): Promise<void> {
  const { lab, clients } = cast
  const everybody = 'more0 more1 web1 web2'
  await step('services go on while the agents are dead, and after they came back', async () => {
    const loads = await Promise.all(clients.map((client) => startLoad(lab, client, url)))
    for (const host of ['node1', 'node2']) await lab.kill(host, 'netplugin')
    for (const client of clients) assert.equal(await answersTo(client, url, 40), everybody)
    for (const host of ['node1', 'node2']) await lab.start(host, 'netplugin')
    for (const load of loads) {
      assert.deepEqual(failures(await load.stop()), [])
    }
  })
  await step('and come back with Open vSwitch', async () => {
    for (const host of ['node1', 'node2']) {
      await lab.kill(host, 'ovs-vswitchd')
      await lab.start(host, 'ovs-vswitchd')
    }
    await untilAnswers(cast, url, everybody)
  })
}

async function dying(step: Step, cast: ServiceCast): Promise<void> {
  const { lab, clients } = cast
  const kill = (host: string, ...names: readonly string[]) => lab.execOk(host, ['docker', 'kill', ...names])
  await step('who dies gets no new connection', async () => {
    await kill('node2', 'web2', 'more1')
    for (const client of clients) assert.equal(await answersTo(client, url, 40), 'more0 web1')
  })
  await step('without a provider it refuses at once', async () => {
    await kill('node1', 'web1', 'more0')
    for (const client of clients) assert.equal(await answersTo(client, url, 5), 'refused')
  })
}

/** Opens a connection and waits for something to be said. */
const listening = 'timeout 20 socat PIPE TCP:10.1.0.103:80,retry=100,interval=0.1; echo ended'
/** Says something each second, and what comes back. */
const talking =
  '(for i in $(seq 8); do echo $i; sleep 1; done) | socat -t 1 STDIO TCP:10.1.0.103:80,retry=100,interval=0.1 2>&1'

async function cutting(step: Step, cast: ServiceCast): Promise<void> {
  const { lab, clients, netctl } = cast
  const create = (selector: string) =>
    netctl(
      `service create quiet --network front --selector tier=${selector} --port 80:81:TCP --preferred-ip 10.1.0.103`,
    )
  const command = ['socat', 'TCP-LISTEN:81,fork,reuseaddr', 'EXEC:cat']
  const options = labelled('tier=quiet')
  const untilOpen = (most: number) =>
    lab.until('connections', async () => {
      const open = await lab.execOk('node2', 'docker exec quiet ss -Htn state established')
      return open.trim().split('\n').filter(Boolean).length >= most || undefined
    })
  /** Every client has a connection open; then something happens, and each ends soon. */
  const ends = async (change: () => Promise<unknown>) => {
    const waiting = clients.map((client) => client.sh(listening, { timeoutMs: 25_000 }))
    await untilOpen(clients.length)
    await change()
    const began = performance.now()
    await Promise.all(waiting)
    const took = performance.now() - began
    assert.ok(took < 3_000, `they ended after ${took} ms`)
  }
  await step(
    'open connections to who is chosen no more go on, also with a new agent; new ones are refused',
    async () => {
      await create('quiet')
      await startContainers(lab, [{ name: 'quiet', host: 'node2', network: 'front', options, image: 'tools', command }])
      const talks = clients.map((client) => client.sh(talking, { timeoutMs: 25_000 }))
      await untilOpen(clients.length)
      await create('nobody')
      for (const client of clients) assert.equal(await answersTo(client, 'http://10.1.0.103:80/', 2), 'refused')
      for (const host of ['node1', 'node2']) {
        await lab.kill(host, 'netplugin')
        await lab.start(host, 'netplugin')
      }
      for (const heard of await Promise.all(talks)) assert.equal(heard, '1\n2\n3\n4\n5\n6\n7\n8\n')
    },
  )
  await step('and are reset when its container dies, though their clients only wait', async () => {
    await create('quiet')
    await ends(async () => {
      await create('nobody')
      await lab.execOk('node2', 'docker kill quiet')
    })
  })
  await step('and so they are when the service goes', async () => {
    await create('quiet')
    await lab.execOk('node2', 'docker start quiet')
    await ends(() => netctl('service rm quiet'))
  })
}
