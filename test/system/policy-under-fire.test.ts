// Endpoints come up while others hammer at their addresses, from the same host and from another one. Two hundred of them
// must not hear it, because of a policy, and do not: not one packet, from the first instant. Some of those that may hear it
// come up among them, at addresses that others had before. FIRE_ENDPOINTS says how many it shall be instead of 200.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { macOfIpv4 } from '../../src/lib/address.ts'
import { type Container, startContainers } from '../support/containers.ts'
import { Ear } from '../support/ear.ts'
import { Fire } from '../support/fire.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'
import { namespaceOf } from '../support/policy-lab.ts'
import { stepsOf } from '../support/steps.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
  readonly routed: boolean
}

const modes: readonly Mode[] = [
  { title: 'VXLAN, routing', lab: { name: 'firer' }, routed: true },
  { title: 'VLAN, bridge', lab: { name: 'fireb', netMode: 'vlan' }, routed: false },
]

const routerMac = '00:00:11:11:11:11'
const hosts = ['node1', 'node2'] as const
const mustNotHear = Number(process.env.FIRE_ENDPOINTS ?? 200)
/** Each batch has a member of each on each host; the last one hears. */
const groups = ['bygroup', 'byaddress', 'everybody', 'unspoken', 'open'] as const
type Group = (typeof groups)[number]
const addresses = Array.from({ length: groups.length * hosts.length }, (_, index) => `10.5.2.${index + 1}`)
const deafOfBatch = (groups.length - 1) * hosts.length
/** Long enough for what was decided wrongly, once, to be heard. */
const someRounds = 30

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 80_000 + mustNotHear * 1_000 }, (t) =>
    withLab(mode.lab, async (lab) => {
      const step = stepsOf(t)
      const foes = await populate(lab, mode)
      const networks = await dockerNetworks(lab)
      const ears = addresses.map(() => new Ear(lab))
      const fire = new Fire(foes.map((foe) => ({ namespace: namespaceOf(lab, foe) })))
      const battle = { lab, mode, foes, networks, ears, fire }
      fire.aim(addresses)
      try {
        await step(`${mustNotHear} endpoints that must not hear anything do not`, async () => {
          const heard = { endpoints: 0, packets: 0 }
          for (let batch = 0; heard.endpoints < mustNotHear; batch++) {
            const { packets } = await attachBatch(battle, batch)
            heard.endpoints += deafOfBatch
            heard.packets += packets
            await Promise.all(ears.map((ear) => ear.detach()))
          }
          t.diagnostic(
            `${fire.rounds} rounds of fire at ${addresses.length} addresses; allowed ones heard ${heard.packets}`,
          )
        })
        await step('and hear it when the rules are gone', async () => {
          await attachBatch(battle, 0)
          for (const policy of [...groups, 'foe']) await lab.execOk('node1', `netctl policy rule-rm ${policy} 1`)
          for (const ear of ears) await untilHeard(battle, ear)
        })
      } finally {
        await fire.cease()
        for (const ear of ears) ear.close()
      }
    }),
  )
}

interface Battle {
  readonly lab: TestLab
  readonly mode: Mode
  /** One on each host. */
  readonly foes: readonly Container[]
  readonly networks: ReadonlyMap<string, string>
  readonly ears: readonly Ear[]
  readonly fire: Fire
}

async function populate(lab: TestLab, { routed }: Mode): Promise<readonly Container[]> {
  const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
  await netctl('net create field --subnet 10.5.0.0/16 --gateway 10.5.255.254 --pkt-tag 501')
  await netctl('policy create foe')
  await netctl('group create -p foe field foe')
  for (const group of groups) {
    await netctl(`policy create ${group}`)
    await netctl(`group create -p ${group} field ${group}`)
  }
  const spec = (host: string) => ({
    name: `foe-${host}`,
    host,
    network: 'foe.field',
    options: ['--ip', `10.5.1.${host.at(-1)}`],
  })
  const foes = await startContainers(lab, hosts.map(spec))
  await netctl('policy rule-add -j deny -g foe bygroup 1')
  await netctl(`policy rule-add -j deny -i ${foes.map(({ ipv4 }) => ipv4).join()} byaddress 1`)
  await netctl('policy rule-add -j deny everybody 1')
  await netctl('policy rule-add -j allow unspoken 1')
  await netctl('policy rule-add -d out -j deny -e unspoken foe 1')
  await netctl('policy rule-add -j deny -g bygroup open 1')
  // Known neighbours: who has to be asked for first is not shot at.
  for (const foe of foes) {
    const known = addresses.map(
      (address) => `neigh replace ${address} lladdr ${routed ? routerMac : macOfIpv4(address)} dev eth0`,
    )
    const enter = ['nsenter', '-t', String(foe.pid), '-n', 'ip', '-batch', '-']
    await lab.execOk(foe.host, enter, { input: `${known.join('\n')}\n` })
  }
  return foes
}

/** Ids of the groups' networks, by host and group. */
async function dockerNetworks(lab: TestLab): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const host of hosts) {
    for (const group of groups) {
      const id = await lab.execOk(host, `docker network inspect -f '{{.Id}}' ${group}.field`)
      found.set(`${host} ${group}`, id.trim())
    }
  }
  return found
}

/**
 * Who sits where: one of another group at each address in each batch, in routed networks also on the other host. The switch
 * behind a VLAN takes a MAC to be where it was until its new owner says something.
 */
function roles(
  batch: number,
  { routed }: Mode,
): readonly { readonly host: string; readonly group: Group; readonly address: string }[] {
  return addresses.map((address, index) => {
    const place = (index + batch * (routed ? 1 : hosts.length)) % addresses.length
    return { host: hosts[place % hosts.length]!, group: groups[Math.floor(place / hosts.length)]!, address }
  })
}

/** Attaches an endpoint at each address. Resolves, with what those who may hear heard, when the others have not for a while. */
async function attachBatch(battle: Battle, batch: number): Promise<{ readonly packets: number }> {
  const { mode, ears, fire, networks } = battle
  const seats = roles(batch, mode).map((role, index) => ({ ...role, ear: ears[index]! }))
  await untilRounds(battle)
  await Promise.all(
    seats.map(({ ear, host, group, address }) => {
      const network = { dockerId: networks.get(`${host} ${group}`) ?? '', pool: `field:${group}.default|10.5.0.0/16` }
      return ear.attach({ host, network, address: `${address}/16` })
    }),
  )
  const open = seats.filter(({ group }) => group === 'open')
  for (const { ear } of open) await untilHeard(battle, ear)
  await untilRounds(battle)
  const wrong = seats.filter(({ group, ear }) => group !== 'open' && ear.heard().size > 0)
  const told = wrong.map(({ host, group, address, ear }) => `${group} on ${host} (${address}): ${heardWords(ear)}`)
  assert.deepEqual(told, [], `heard in batch ${batch}, after ${fire.rounds} rounds of fire`)
  return { packets: open.flatMap(({ ear }) => [...ear.heard().values()]).reduce((sum, count) => sum + count, 0) }
}

function heardWords(ear: Ear): string {
  return [...ear.heard()].map(([what, count]) => `${count} of ${what}`).join(', ')
}

async function untilRounds({ lab, fire }: Battle): Promise<void> {
  const enough = fire.rounds + someRounds
  await lab.until(`${someRounds} more rounds of fire`, () => fire.rounds >= enough || undefined)
}

/** Until it has heard everything that everybody sends. */
async function untilHeard({ lab, foes }: Battle, ear: Ear): Promise<void> {
  const wanted = foes.flatMap(({ ipv4 }) => [`${ipv4} udp`, `${ipv4} tcp`])
  await lab.until(`${wanted.join(', ')} to be heard`, () => {
    const heard = ear.heard()
    return wanted.every((what) => heard.has(what)) || undefined
  })
}
