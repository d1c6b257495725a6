// What the attributes of a rule may say: ports, protocols, addresses, names.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProblem, parseBody } from '../../model/body.ts'
import { ruleBody } from '../../model/rule.ts'
import { assertRefused, inDefault, objectPath, type Refusal, scenario } from './testing.ts'

const rulePath = (id: string) => objectPath('rules', `p:${id}`)
const rule = (ruleId: string, more: object = {}) =>
  inDefault({ policyName: 'p', ruleId, direction: 'in', action: 'allow', ...more })
const policy = inDefault({ policyName: 'p' })

scenario('a port list is kept sorted and merged, and the same ports again change nothing', async (netmaster) => {
  await netmaster.ok('POST', objectPath('policys', 'p'), policy)
  const stored = async (ports: object) => {
    const { port, ports: list }: { port?: unknown; ports?: unknown } = Object(
      await netmaster.ok('POST', rulePath('x'), rule('x', { protocol: 'sctp', ...ports })),
    )
    return [port, list]
  }
  assert.deepEqual(await stored({ ports: '8000-8100,443,80,8101' }), [undefined, '80,443,8000-8101'])
  const { revision } = await netmaster.store.snapshot()
  assert.deepEqual(await stored({ ports: '80,443,8000-8101' }), [undefined, '80,443,8000-8101'])
  assert.equal((await netmaster.store.snapshot()).revision, revision)
  assert.deepEqual(await stored({ ports: '22' }), [undefined, '22'], 'as it was given')
  assert.deepEqual(await stored({ ports: '0-65535', port: 0 }), [undefined, '0-65535'])
  assert.deepEqual(await stored({ port: 22 }), [22, undefined])
  assert.deepEqual(await stored({}), [undefined, undefined])
})

scenario('a port list that is none is refused with what is wrong', async (netmaster) => {
  await netmaster.ok('POST', objectPath('policys', 'p'), policy)
  const bad = (ports: unknown, code: string, more: object = {}): Refusal => [
    'POST',
    rulePath('x'),
    rule('x', { protocol: 'tcp', ports, ...more }),
    400,
    code,
  ]
  await assertRefused(netmaster, [
    bad('443,80-22', 'RULE_PORTS_REVERSED'),
    bad('80-65536', 'RULE_PORTS_TOO_HIGH'),
    bad('99999999999999999999', 'RULE_PORTS_TOO_HIGH'),
    bad('80,,443', 'RULE_PORTS_EMPTY_ITEM'),
    bad(',', 'RULE_PORTS_EMPTY_ITEM'),
    bad('80,', 'RULE_PORTS_EMPTY_ITEM'),
    bad(Array.from({ length: 65 }, (_, at) => 100 + 2 * at).join(), 'RULE_PORTS_TOO_MANY'),
    ...['80, 443', '-5', '80-', '-', 'http', '80-90-100', '8e1', '0x50', '80;443', '80\n'].map((text) =>
      bad(text, 'RULE_PORTS_SYNTAX'),
    ),
    bad('0', 'RULE_PORTS_ZERO'),
    bad('80,0-0', 'RULE_PORTS_ZERO'),
    bad('443', 'RULE_PORT_AND_PORTS', { port: 80 }),
    bad('80', 'RULE_PORT_AND_PORTS', { port: 80 }),
    bad(80, 'INVALID_BODY'),
    bad([80, 443], 'INVALID_BODY'),
    bad('80,'.repeat(400), 'INVALID_BODY'),
  ])
})

test('what is wrong with an address is said, with what to write instead', () => {
  const said = (fromIpAddress: string) => {
    const parsed = parseBody(ruleBody, rule('1', { fromIpAddress }))
    return isProblem(parsed) ? parsed.message : ''
  }
  const table: Readonly<Record<string, RegExp>> = {
    '10.1.1.5/32': /fromIpAddress "10.1.1.5\/32".* 1 to 31 bits; write a host without length/,
    '0.0.0.0/0': /1 to 31 bits; leave the address out/,
    '10.1.1.9-5': /ends before it begins/,
    '10.1.1.9-10.1.1.5': /ends before it begins/,
    '2001:db8::2-2001:db8::1': /ends before it begins/,
    '10.1.1.5,web': /"web" is not an address; write 10.1.1.5 or 2001:db8::5 for a host/,
    '10.1.1.5,': /"" is not an address/,
  }
  for (const [text, message] of Object.entries(table)) assert.match(said(text), message)
  assert.match(said(new Array(65).fill('10.1.1.5').join()), /has 65 addresses, and 64 are the most/)
  assert.match(said('1'.repeat(5000)), /longer than 4096/)
})

test('addresses and protocols of a rule have the forms that rules have', () => {
  const parses = (more: object) => !('code' in Object(parseBody(ruleBody, rule('1', more))))
  const table: readonly (readonly [text: string, isGood: boolean])[] = [
    ['', true],
    ['10.1.1.5', true],
    ['10.1.1.0/24', true],
    ['10.1.1.5-10', true],
    ['10.1.1.5-10/24', true],
    ['10.1.1.5-5', true],
    ['128.0.0.0/1', true],
    ['10.1.1.4/31', true],
    ['10.1.1.5/32', false],
    ['0.0.0.0/0', false],
    ['10.1.1.0/33', false],
    ['10.1.1.300', false],
    ['10.1.1.10-5', false],
    ['10.1.1.5-256', false],
    ['10.1.1.5-10.1.2.4', true],
    ['0.0.0.0-255.255.255.255', true],
    ['10.1.1.5-10.1.1.4', false],
    ['10.1.1.5-10.1.1.9/24', false],
    ['10.1.1.5-10.1.1', false],
    ['10.1.1', false],
    ['10.1.1.5 ', false],
    ['fd00::1', true],
    ['2001:DB8::/32', true],
    ['::/0', true],
    ['fd00::1/128', true],
    ['2001:db8::1-2001:db8::ff', true],
    ['fd00::1/129', false],
    ['2001:db8::2-2001:db8::1', false],
    ['2001:db8::1-ff', false],
    ['2001:db8::1-2001:db8::2-2001:db8::3', false],
    ['2001:db8::1-10.1.1.5', false],
    ['10.1.1.5-2001:db8::1', false],
    ['fe80::1%eth0', false],
    ['10.1.1.5,10.2.0.0/16,fd00::/64,10.3.0.1-9', true],
    ['10.1.1.5,', false],
    ['10.1.1.5,,10.1.1.6', false],
    ['10.1.1.5, 10.1.1.6', false],
    [new Array(64).fill('10.1.1.5').join(), true],
    [new Array(65).fill('10.1.1.5').join(), false],
  ]
  for (const [text, isGood] of table) assert.equal(parses({ fromIpAddress: text }), isGood, text)
  for (const text of ['', 'tcp', 'udp', 'sctp', 'icmp', 'icmpv6', '0', '6', '47', '255'])
    assert.ok(parses({ protocol: text }), text)
  for (const text of ['TCP', 'bogus', 'icmp6', '256', '999', '1000', '-1', '6 '])
    assert.ok(!parses({ protocol: text }), text)
})
