import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from './errors.ts'
import { describeFlags, type Flags, fillFlags, parseFlags } from './flags.ts'

const flags = {
  subnet: { kind: 'text', names: ['subnet', 's'], value: 'SUBNET', help: 'The subnet' },
  subnetv6: { kind: 'text', names: ['subnetv6', 's6'], value: 'SUBNET', help: 'The IPv6 subnet' },
  tenant: { kind: 'text', names: ['tenant', 't'], value: 'TENANT', help: 'The tenant', fallback: 'default' },
  tag: { kind: 'number', names: ['pkt-tag', 'p'], value: 'NUMBER', help: 'The tag' },
  policy: { kind: 'list', names: ['policy'], value: 'POLICY', help: 'A policy' },
  json: { kind: 'switch', names: ['json', 'j'], help: 'As JSON' },
  wait: { kind: 'text', names: ['wait'], value: 'SECONDS', help: 'How long', alone: '60' },
  old: { kind: 'switch', names: ['old'], help: '' },
} as const satisfies Flags

function parse(...args: readonly string[]) {
  const { values, words } = parseFlags(args, flags)
  return { ...fillFlags(flags, values), words }
}

const nothing = {
  subnet: undefined,
  subnetv6: undefined,
  tenant: 'default',
  tag: undefined,
  policy: [],
  json: false,
  wait: undefined,
  old: false,
  words: [],
}

const spellings: readonly (readonly [string, readonly string[], object])[] = [
  ['nothing at all', [], {}],
  ['two dashes and =', ['--subnet=10.1.1.0/24'], { subnet: '10.1.1.0/24' }],
  ['one dash and =', ['-subnet=10.1.1.0/24'], { subnet: '10.1.1.0/24' }],
  ['two dashes and a word', ['--subnet', '10.1.1.0/24'], { subnet: '10.1.1.0/24' }],
  ['one dash and a word', ['-subnet', '10.1.1.0/24'], { subnet: '10.1.1.0/24' }],
  ['a short name', ['-s', '10.1.1.0/24'], { subnet: '10.1.1.0/24' }],
  ['a short name and =', ['-s=10.1.1.0/24'], { subnet: '10.1.1.0/24' }],
  ['a short name of two characters', ['-s6', '2001:db8::/64'], { subnetv6: '2001:db8::/64' }],
  ['an empty value', ['--subnet='], { subnet: '' }],
  ['a value with = in it', ['--policy', 'a=b', '--policy=c=d'], { policy: ['a=b', 'c=d'] }],
  ['a value that looks like a flag', ['--subnet', '-x'], { subnet: '-x' }],
  ['a number', ['-p', '0017'], { tag: 17 }],
  ['a number below zero', ['-p', '-5'], { tag: -5 }],
  ['a value that may be left out, and is', ['--wait', 'web'], { wait: '60', words: ['web'] }],
  ['a value that may be left out, and is not', ['--wait=5'], { wait: '5' }],
  ['switches', ['-json', '--old=true'], { json: true, old: true }],
  ['a switch turned off', ['-j', '-j=false'], { json: false }],
  ['the last value of a repeated flag', ['-t', 'a', '-t', 'b'], { tenant: 'b' }],
  ['flags after words', ['web', '--json', 'db'], { json: true, words: ['web', 'db'] }],
  ['words after --', ['-j', '--', '-bad', '--json'], { json: true, words: ['-bad', '--json'] }],
  ['a lone dash as a word', ['-'], { words: ['-'] }],
]
for (const [name, args, expected] of spellings) {
  test(`flags understand ${name}`, () => assert.deepEqual(parse(...args), { ...nothing, ...expected }))
}

const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
  [['--subnt=x'], /unknown flag --subnt; did you mean --subnet\?/],
  [['-jsn'], /unknown flag -jsn; did you mean --json\?/],
  [['--zebra'], /^unknown flag --zebra$/],
  [['-x'], /^unknown flag -x$/],
  [['--subnet'], /--subnet needs a value: --subnet SUBNET/],
  [['-p', 'many'], /-p needs a whole number, not 'many'/],
  [['-p=--1'], /-p needs a whole number, not '--1'/],
  [['-p=1.5'], /-p needs a whole number/],
  [['--json=perhaps'], /switch/],
  [['--__proto__=1'], /unknown flag --__proto__/],
  [['--constructor'], /unknown flag --constructor/],
]
for (const [args, message] of mistakes) {
  test(`flags refuse ${args.join(' ')}`, () => {
    assert.throws(() => parseFlags(args, flags), { name: 'NetpluginError', code: 'USAGE', kind: 'invalid', message })
  })
}

test('parsing stops before the first word when asked to', () => {
  const parsed = parseFlags(['--json', 'net', '--zebra'], flags, { stopAtWord: true })
  assert.deepEqual(parsed, { values: { json: true }, words: [], rest: ['net', '--zebra'] })
})

test('help lists every flag but the hidden ones', () => {
  const { subnet, tenant, json, wait, old } = flags
  assert.equal(
    describeFlags({ subnet, tenant, json, wait, old }),
    [
      '  --subnet, -s SUBNET  The subnet\n',
      '  --tenant, -t TENANT  The tenant (default: default)\n',
      '  --json, -j           As JSON\n',
      '  --wait[=SECONDS]     How long\n',
    ].join(''),
  )
})

test('any words either parse or are refused as usage', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom('-s', '--json', '--', '-p=3', '--policy', '=', '--='),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      try {
        parseFlags(args, flags)
      } catch (error) {
        assert.ok(error instanceof NetpluginError)
        assert.equal(error.code, 'USAGE')
      }
    }),
    { numRuns: 2_000 },
  )
})
