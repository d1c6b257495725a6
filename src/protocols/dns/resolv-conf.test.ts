import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseResolvConf } from './resolv-conf.ts'

test('servers, search list and options are read, comments and unknown lines are not', () => {
  const text = [
    '# made by hand',
    'domain old.example',
    'nameserver 10.0.0.1',
    'nameserver\t fe80::1%eth0  ; the router',
    'search a.example b.example',
    'options ndots:2 timeout:1',
    'options rotate',
    'sortlist 10.0.0.0',
    'nameserver',
    '',
  ].join('\n')
  assert.deepEqual(parseResolvConf(text), {
    nameservers: ['10.0.0.1', 'fe80::1%eth0'],
    search: ['a.example', 'b.example'],
    options: ['ndots:2', 'timeout:1', 'rotate'],
  })
})

test('the last of search and domain counts', () => {
  assert.deepEqual(parseResolvConf('search a.example b.example\ndomain c.example').search, ['c.example'])
})

test('an empty file says nothing', () => {
  assert.deepEqual(parseResolvConf(''), { nameservers: [], search: [], options: [] })
})
