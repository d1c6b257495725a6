// Out of networks and into them, with real packets: source NAT by the host, published ports, what neither may reach, policy, restarts,
// and nothing left behind.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Container, startContainer } from '../support/containers.ts'
import { hostInventory } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { asking, OpenConnection, outsideAddress, outsidePorts, sayWhoAsks, startOutside } from '../support/outside.ts'
import { type Step, stepsOf } from '../support/steps.ts'

const hosts = ['node1', 'node2'] as const
/** Of the hosts, on the network that leads outside. */
const [host1, host2] = ['10.77.0.1', '10.77.0.2']
/** The underlay, as hosts see it. */
const neighbour = '10.77.0.254'
/** The host's own on the link to the switch: who asks by a published port of his own host has it. */
const ownAddress = '198.18.255.254'

for (const fwdMode of ['routing', 'bridge'] as const) {
  test(`out of networks and into them, ${fwdMode}`, { skip: labSkip, timeout: 240_000 }, (t) =>
    withLab({ name: `natout${fwdMode[0]}`, fwdMode }, (lab) => check(t, lab, fwdMode === 'routing')),
  )
}

interface Cast {
  readonly web: Container
  readonly db: Container
  readonly twin: Container
}

async function check(t: TestContext, lab: TestLab, isRouted: boolean): Promise<void> {
  const step = stepsOf(t)
  const before = await Promise.all(hosts.map((host) => kernelRules(lab, host)))
  // As Docker leaves it where it was the one that switched forwarding on.
  for (const host of hosts) await lab.execOk(host, 'iptables -P FORWARD DROP')
  await startOutside(lab)
  await lab.execOk('node1', 'netctl net create web -s 10.1.1.0/24 -g 10.1.1.254 && netctl tenant create blue')
  await lab.execOk('node1', 'netctl net create -t blue web -s 10.1.1.0/24 -g 10.1.1.254')
  await lab.execOk('node1', 'netctl net create other -s 10.1.2.0/24 -g 10.1.2.254')
  await lab.execOk('node1', 'netctl policy create p && netctl group create -p p web front')
  const web = await run(lab, 'web', 'node1', 'web', [
    '-p',
    '8080:80',
    '-p',
    '8053:53/udp',
    '-p',
    `${host1}:9000-9001:80-81`,
  ])
  const db = await run(lab, 'db', 'node2', 'front.web', ['-p', '8080:80'])
  const twin = await run(lab, 'twin', 'node1', 'web/blue', ['-p', '8081:80'])
  await out(step, lab, { web, db, twin })
  await inside(step, lab, { web, db, twin })
  await policy(step, lab, db)
  if (isRouted) {
    await refusals(step, lab)
    await restarts(step, lab, web)
  }
  await step('what other hands remove comes back', async () => {
    await lab.execOk('node1', 'nft delete table ip netplugin && iptables -D DOCKER-USER 1 && iptables -D DOCKER-USER 1')
    await lab.until('the way out', async () => (await web.succeeds(pings(outsideAddress))) || undefined)
    await lab.execOk('underlay', asking(host1, 8080))
  })
  await step('a network whose nat is switched off leads nowhere, and again when it is on', async () => {
    await lab.execOk('node1', 'netctl net set --nat=off -t blue web')
    assert.equal(await twin.succeeds(`ping -c 1 -W 1 ${outsideAddress}`), false)
    assert.equal((await lab.exec('underlay', asking(host1, 8081))).code, 1)
    const { code, stderr } = await lab.exec('node1', 'docker run --rm --name no -p 8090:80 --net web/blue busybox true')
    assert.notEqual(code, 0)
    assert.match(stderr, /its nat is off; open it with netctl network set --nat on -t blue web/)
    await lab.execOk('node1', 'netctl net set --nat -t blue web')
    await twin.sh(pings(outsideAddress))
    await lab.execOk('underlay', asking(host1, 8081))
  })
  await step('nothing is left when the networks are gone', async () => {
    for (const host of hosts) await lab.execOk(host, 'docker rm -f $(docker ps -aq)')
    await lab.execOk('node1', 'netctl group rm front && netctl policy rm p')
    for (const network of ['web', 'other', '-t blue web']) await removeNetwork(lab, network)
    for (const [index, host] of hosts.entries()) {
      await lab.until(`${host} to be as before`, async () => {
        const { ports } = await hostInventory(lab, host)
        return (!ports.includes('np-outside') && (await kernelRules(lab, host)) === before[index]) || undefined
      })
    }
  })
}

const pings = (address: string) => `ping -c 2 -i 0.2 -W 5 ${address}`

/** Tables of nftables, and what Docker asks others about. */
async function kernelRules(lab: TestLab, host: string): Promise<string> {
  return lab.execOk(host, 'nft list tables | sort; iptables -S DOCKER-USER')
}

async function run(lab: TestLab, name: string, host: string, network: string, options: string[]): Promise<Container> {
  const command = sayWhoAsks({ tcp: [80, 81], udp: [53] })
  return startContainer(lab, {
    name,
    host,
    network,
    options: [...options, '--restart', 'always'],
    image: 'tools',
    command,
  })
}

/** Docker takes a moment to let go of a container. */
async function removeNetwork(lab: TestLab, network: string): Promise<void> {
  await lab.until(`network ${network} to be free`, async () => {
    return (await lab.exec('node1', `netctl net rm ${network}`)).code === 0 || undefined
  })
}

async function out(step: Step, lab: TestLab, { web, db, twin }: Cast): Promise<void> {
  await step('containers reach outside in the name of their host', async () => {
    for (const [container, host] of [
      [web, host1],
      [db, host2],
      [twin, host1],
    ] as const) {
      await container.sh(pings(outsideAddress))
      assert.equal((await container.sh(asking(outsideAddress, outsidePorts.tcp))).trim(), host)
      assert.equal((await container.sh(asking(outsideAddress, outsidePorts.udp, 'udp'))).trim(), host)
    }
  })
  await step('two tenants with the same address at once, from the same port', async () => {
    assert.equal(web.ipv4, twin.ipv4)
    const ask = `echo who | timeout 5 socat -t 3 - TCP:${outsideAddress}:${outsidePorts.tcp},sourceport=40000,reuseaddr`
    const said = await Promise.all([web.sh(ask), twin.sh(ask)])
    assert.deepEqual(
      said.map((text) => text.trim()),
      [host1, host1],
    )
  })
  await step('services of hosts, other tenants and private networks are out of reach', async () => {
    await lab.execOk('node1', 'curl -sSf --max-time 5 http://netmaster:9999/version')
    const private_ = [
      host1,
      host2,
      '10.78.0.1',
      '10.78.0.2',
      ownAddress,
      '198.18.0.1',
      '172.17.0.1',
      '172.19.255.254',
      '10.1.2.9',
    ]
    const each = `ping -c 2 -i 0.3 -W 1 $a >/dev/null && echo $a &`
    const reached = await web.sh(`for a in ${private_.join(' ')} ${neighbour}; do ${each} done; wait`)
    assert.equal(reached.trim(), neighbour)
    for (const host of [host1, host2]) {
      assert.equal(await web.succeeds(`curl -s --max-time 1 http://${host}:9999/version`), false, host)
    }
    // Docker's own network is not outside.
    await lab.execOk(
      'node1',
      'docker run -d --name plain busybox sh -c "mkdir /w; echo plain >/w/index.html; httpd -f -p 80 -h /w"',
    )
    const shown = await lab.execOk('node1', "docker inspect -f '{{.NetworkSettings.IPAddress}}' plain")
    assert.equal(await web.succeeds(`curl -s --max-time 1 http://${shown.trim()}/`), false)
    assert.equal(await lab.execOk('node1', `curl -s --max-time 5 http://${shown.trim()}/`), 'plain\n')
  })
}

async function inside(step: Step, lab: TestLab, { web, twin }: Cast): Promise<void> {
  await step('published ports lead to their containers, which see who asks', async () => {
    for (const [port, protocol] of [
      [8080, 'tcp'],
      [8053, 'udp'],
      [9000, 'tcp'],
      [9001, 'tcp'],
      [8081, 'tcp'],
    ] as const) {
      const line = asking(host1, port, protocol)
      assert.equal((await lab.execOk('underlay', line)).trim(), neighbour, `${port}/${protocol}`)
      assert.equal((await lab.execOk('node2', line)).trim(), host2, `${port}/${protocol}`)
      assert.equal((await lab.execOk('node1', line)).trim(), host1, `${port}/${protocol}`)
    }
  })
  await step('at the address of the host that was named, and no other', async () => {
    assert.equal((await lab.exec('node1', asking('10.78.0.1', 9000))).code, 1)
    assert.equal((await lab.execOk('node1', asking('10.78.0.1', 8080))).trim(), '10.78.0.1')
  })
  await step('by the loopback of the host, and from containers of this and the other host', async () => {
    assert.equal((await lab.execOk('node1', asking('127.0.0.1', 8080))).trim(), ownAddress)
    assert.equal((await twin.sh(asking(host1, 8080))).trim(), ownAddress)
    assert.equal((await web.sh(asking(host1, 8080))).trim(), ownAddress)
    assert.equal((await web.sh(asking(host2, 8080))).trim(), host1)
  })
  await step('netctl shows them', async () => {
    const { Oper } = JSON.parse(await lab.execOk('node1', 'netctl ep inspect web')) as {
      Oper: { publishedPorts: string[] }
    }
    assert.deepEqual(Oper.publishedPorts.toSorted(), [
      '0.0.0.0:8053->53/udp',
      '0.0.0.0:8080->80/tcp',
      `${host1}:9000->80/tcp`,
      `${host1}:9001->81/tcp`,
    ])
  })
}

async function policy(step: Step, lab: TestLab, db: Container): Promise<void> {
  const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
  await step('outgoing rules hold for what is outside', async () => {
    await netctl('policy rule-add -d out -l tcp -j deny --to-ip-address 203.0.113.0/24 p 1')
    assert.equal(await db.succeeds(asking(outsideAddress, outsidePorts.tcp)), false)
    await db.sh(pings(outsideAddress))
    await db.sh(asking(neighbour, outsidePorts.tcp))
    await netctl('policy rule-rm p 1')
    await db.sh(asking(outsideAddress, outsidePorts.tcp))
  })
  await step('incoming rules hold for published ports, by the address of who asks', async () => {
    await netctl('policy rule-add -d in -l tcp -j deny p 2')
    await netctl(`policy rule-add -d in -l tcp -j allow --from-ip-address ${host1} -p 10 p 3`)
    assert.equal((await lab.execOk('node1', asking(host2, 8080))).trim(), host1)
    assert.equal((await lab.exec('underlay', asking(host2, 8080))).code, 1)
    await netctl('policy rule-rm p 2')
    await netctl('policy rule-rm p 3')
    await lab.execOk('underlay', asking(host2, 8080))
  })
}

async function refusals(step: Step, lab: TestLab): Promise<void> {
  await step('a port that somebody has is refused, and the next of a range is taken', async () => {
    for (const [option, why] of [
      ['8080:80', /port 8080\/tcp of host netplugin-node1 leads to container web already/],
      ['9999:80', /port 9999\/tcp .* a program of the host listens there/],
      ['192.0.2.77:8099:80', /the host has no address 192\.0\.2\.77/],
      ['[::1]:8099:80', /only IPv4 addresses/],
    ] as const) {
      const { code, stderr } = await lab.exec('node1', `docker run --name no -p ${option} --net web busybox true`)
      assert.notEqual(code, 0)
      assert.match(stderr, why)
      await lab.execOk('node1', 'docker rm -f no')
    }
    await lab.execOk('node1', 'docker run -d --name range -p 8080-8084:80 --net web busybox sleep 1000')
    assert.match(await lab.execOk('node1', 'netctl ep inspect range'), /"0\.0\.0\.0:8082->80\/tcp"/)
    await lab.execOk('node1', 'docker rm -f range')
  })
  await step('nothing of what was refused is left', async () => {
    await lab.until('only those that run', async () => {
      const text = await lab.execOk('node1', 'nft list map ip netplugin published')
      return text.match(/ : 198/g)?.length === 3 || undefined
    })
  })
}

async function restarts(step: Step, lab: TestLab, web: Container): Promise<void> {
  await step('open connections outlive the end of netplugin and netmaster', async () => {
    const outward = new OpenConnection(lab, 'node1', { address: outsideAddress, port: outsidePorts.tcp, pid: web.pid })
    const inward = new OpenConnection(lab, 'underlay', { address: host1, port: 8080 })
    const bothAnswer = () => Promise.all([outward.untilAnswered(), inward.untilAnswered()])
    await bothAnswer()
    for (const program of ['netplugin', 'netmaster'] as const) {
      await lab.kill('node1', program)
      await bothAnswer()
      await lab.execOk('underlay', asking(host1, 8080))
      await lab.start('node1', program)
      await bothAnswer()
      await lab.execOk('underlay', asking(host1, 8080))
    }
    for (const connection of [outward, inward]) connection.end()
  })
  await step('Docker killed and started: ports lead to the containers that come back', async () => {
    await lab.kill('node1', 'dockerd')
    await lab.start('node1', 'dockerd')
    await lab.until(
      'web to be reached',
      async () => {
        return (await lab.exec('underlay', asking(host1, 8080))).stdout.trim() === neighbour || undefined
      },
      20_000,
    )
    await lab.execOk('underlay', asking(host1, 8053, 'udp'))
  })
  await step('Open vSwitch killed and started: out and in as before', async () => {
    await lab.kill('node1', 'ovs-vswitchd')
    await lab.start('node1', 'ovs-vswitchd')
    await lab.until(
      'web to be reached',
      async () => (await lab.exec('underlay', asking(host1, 8080))).code === 0 || undefined,
    )
    await lab.execOk('node1', `docker exec web ${pings(outsideAddress)}`)
  })
}
