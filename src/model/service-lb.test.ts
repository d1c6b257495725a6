import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkServiceTexts, parseSelector, parseServicePort } from './service-lb.ts'

test('a port of a service has three parts, and both ports are real ones', () => {
  assert.deepEqual(parseServicePort('80:8080:TCP'), { servicePort: 80, providerPort: 8080, protocol: 'tcp' })
  assert.deepEqual(parseServicePort('65535:1:uDp'), { servicePort: 65_535, providerPort: 1, protocol: 'udp' })
  for (const text of ['', '80', '80:80', '80:80:', ':80:TCP', '80::TCP', '0:80:TCP', '80:65536:TCP', '080:80:TCP']) {
    assert.equal(parseServicePort(text), undefined, text)
  }
  for (const text of ['80:80:SCTP', '80:80:TCP:', ' 80:80:TCP', '80:80:TCP\n', '8e1:80:TCP', '+80:80:TCP']) {
    assert.equal(parseServicePort(text), undefined, text)
  }
})

test('a selector is a label and its value, which may be empty', () => {
  assert.deepEqual(parseSelector('tier=front end'), { key: 'tier', value: 'front end' })
  assert.deepEqual(parseSelector('tier='), { key: 'tier', value: '' })
  for (const text of ['', '=', '=x', 'tier', 'a=b=c', ' a=b', 'a b=c'])
    assert.equal(parseSelector(text), undefined, text)
})

test('every port that can be written is read as it was meant, and no text makes a parser throw', () => {
  const port = fc.integer({ min: 1, max: 65_535 })
  fc.assert(
    fc.property(port, port, fc.constantFrom('tcp', 'udp'), (servicePort, providerPort, protocol) => {
      const read = parseServicePort(`${servicePort}:${providerPort}:${protocol.toUpperCase()}`)
      assert.deepEqual(read, { servicePort, providerPort, protocol })
    }),
  )
  const texts = fc.array(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-z=:.]{0,20}$/)), { maxLength: 4 })
  fc.assert(
    fc.property(texts, texts, (selectors, ports) => {
      const wrong = checkServiceTexts({ selectors, ports, probe: '' })
      if (wrong === undefined) assert.ok(selectors.every(parseSelector) && ports.every(parseServicePort))
    }),
  )
})
