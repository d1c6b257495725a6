// What rules cost, and which are refused because they cost too much.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyCostAnswer, RuleCostAnswer } from '../model/policy-cost.ts'
import { group, groupPath, inDefault, network, networkPath, objectPath } from './objects/testing.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'
import { create } from './testing-nodes.ts'

const rulePath = (id: string) => objectPath('rules', `p:${id}`)
const costPath = (id: string) => `/api/v1/inspect/rules/default:p:${id}/cost/`
const rule = (ruleId: string, more: object = {}) =>
  inDefault({ policyName: 'p', ruleId, direction: 'in', action: 'deny', protocol: 'tcp', port: 80, ...more })
/** Twelve prefixes. */
const ragged = { fromIpAddress: '10.1.1.1-126' }

/** Policy p is that of groups g and h, whose containers are on node1 and, of g only, on node2. */
function scenario(
  title: string,
  flows: { readonly rule: number; readonly host: number },
  body: (netmaster: TestNetmaster) => Promise<void>,
): void {
  test(title, async () => {
    const netmaster = await startTestNetmaster({ flows })
    try {
      await netmaster.ok('POST', networkPath('n'), network('n', '10.1.1.0/24'))
      await netmaster.ok('POST', objectPath('policys', 'p'), inDefault({ policyName: 'p' }))
      for (const name of ['g', 'h']) await netmaster.ok('POST', groupPath(name), group(name, 'n', { policies: ['p'] }))
      await create(netmaster, 'e1', { ServiceName: 'g' })
      await create(netmaster, 'e2', { ServiceName: 'h' })
      await create(netmaster, 'e3', { ServiceName: 'g', Node: 'node2' })
      await body(netmaster)
    } finally {
      await netmaster.stop()
    }
  })
}

scenario('the cost of a policy, by rule and by host', { rule: 100, host: 1_000 }, async (netmaster) => {
  await netmaster.ok('POST', rulePath('1'), rule('1'))
  await netmaster.ok('POST', rulePath('2'), rule('2', { ...ragged, priority: 5 }))
  const cost = (await netmaster.ok('GET', '/api/v1/inspect/policys/default:p/cost/')) as PolicyCostAnswer
  assert.deepEqual(
    cost.rules.map(({ ruleId, text, hosts }) => [ruleId, text, hosts]),
    [
      [
        '2',
        'deny tcp port 80 from 10.1.1.1-126',
        [
          { host: 'node1', flows: 15 },
          { host: 'node2', flows: 12 },
        ],
      ],
      [
        '1',
        'deny tcp port 80 from anybody',
        [
          { host: 'node1', flows: 2 },
          { host: 'node2', flows: 1 },
        ],
      ],
    ],
  )
  const [node1, node2] = cost.hosts
  assert.deepEqual([node1?.host, node1?.policy, node2?.host, node2?.policy], ['node1', 17, 'node2', 13])
  assert.ok(node1 !== undefined && node1.all > node1.policy)
  assert.deepEqual([cost.hostCount, cost.limits], [2, { rule: 100, host: 1_000 }])
  assert.equal(await netmaster.refused('GET', '/api/v1/inspect/policys/default:q/cost/'), 'POLICY_NOT_FOUND')
})

scenario('what a rule would cost is told, and nothing stored', { rule: 100, host: 1_000 }, async (netmaster) => {
  await netmaster.ok('POST', rulePath('1'), rule('1'))
  const before = await netmaster.store.snapshot()
  const cost = (await netmaster.ok('POST', costPath('1'), rule('1', ragged))) as RuleCostAnswer
  assert.deepEqual(
    cost.hosts.map(({ host, before, after }) => [host, after - before]),
    [
      ['node1', 13],
      ['node2', 11],
    ],
  )
  assert.deepEqual([cost.key, cost.flows, cost.hostCount], ['default:p:1', 15, 2])
  assert.equal(await netmaster.refused('POST', costPath('1'), rule('1', { direction: 'up' })), 'INVALID_BODY')
  assert.equal(await netmaster.refused('POST', costPath('2'), rule('1')), 'KEY_MISMATCH')
  assert.equal(await netmaster.refused('POST', costPath('1'), rule('1', { fromNetwork: 'x' })), 'NETWORK_NOT_FOUND')
  assert.deepEqual(await netmaster.store.snapshot(), before)
})

scenario(
  'a rule that is too dear for a host is refused, with a cheaper form',
  { rule: 14, host: 1_000 },
  async (netmaster) => {
    const { status, body } = await netmaster.request('POST', rulePath('1'), rule('1', ragged))
    const { code, message }: { code?: unknown; message?: unknown } = Object(body)
    assert.deepEqual([status, code], [409, 'RULE_TOO_COSTLY'])
    assert.match(
      String(message),
      /up to 15 flows on a host, more than the 14.*addresses are 12 matches: write a subnet/,
    )
    assert.equal(await netmaster.refused('POST', costPath('1'), rule('1', ragged)), 'RULE_TOO_COSTLY')
    await netmaster.ok('POST', rulePath('1'), rule('1', { fromIpAddress: '10.1.1.0/25' }))
    // A policy of many groups is dear only where they meet.
    for (let number = 0; number < 20; number++) {
      await netmaster.ok('POST', groupPath(`g${number}`), group(`g${number}`, 'n', { policies: ['p'] }))
      await create(netmaster, `f${number}`, { ServiceName: `g${number}`, Node: `other${number % 10}` })
    }
    await netmaster.ok('POST', rulePath('2'), rule('2'))
  },
)

scenario('together the rules of a host have a limit', { rule: 100, host: 25 }, async (netmaster) => {
  await netmaster.ok('POST', rulePath('1'), rule('1', ragged))
  assert.equal(
    await netmaster.refused('POST', rulePath('2'), rule('2', { ...ragged, priority: 2 })),
    'HOST_FLOWS_EXHAUSTED',
  )
  // What is there may become cheaper, and what costs no host anything is welcome.
  await netmaster.ok('POST', rulePath('1'), rule('1', { fromIpAddress: '10.1.1.0/25' }))
  await netmaster.ok('POST', rulePath('2'), rule('2', { ...ragged, priority: 2 }))
  await netmaster.ok('POST', objectPath('policys', 'q'), inDefault({ policyName: 'q' }))
  for (const id of ['1', '2', '3', '4']) {
    await netmaster.ok('POST', objectPath('rules', `q:${id}`), { ...rule(id, ragged), policyName: 'q' })
  }
  // Removed rules make room.
  await netmaster.ok('DELETE', rulePath('2'))
  await netmaster.ok('POST', rulePath('3'), rule('3', ragged))
})
