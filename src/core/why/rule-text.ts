// A rule as one reads it out: `deny tcp 80 from group db`.

import type { RuleRecord } from '../../model/state.ts'

export function ruleText(rule: RuleRecord): string {
  const { action, protocol, port, ports, toIpAddress } = rule
  const anyPort = port === 0 && ports === undefined
  const service = `${protocol === '' && anyPort ? 'everything' : protocol === '' ? 'tcp and udp' : protocol}`
  const words = [action, service, ...(anyPort ? [] : [ports === undefined ? `port ${port}` : `ports ${ports}`])]
  const remote = remoteWords(rule)
  words.push(rule.direction === 'in' ? `from ${remote}` : `to ${remote}`)
  if (rule.direction === 'in' && toIpAddress !== '') words.push(`to ${toIpAddress} only`)
  if (rule.established === 'drop') words.push('also when it is open')
  return words.join(' ')
}

function remoteWords(rule: RuleRecord): string {
  const isIn = rule.direction === 'in'
  const group = isIn ? rule.fromEndpointGroup : rule.toEndpointGroup
  const network = isIn ? rule.fromNetwork : rule.toNetwork
  const address = isIn ? rule.fromIpAddress : rule.toIpAddress
  const words = [
    ...(group === '' ? [] : [`group ${group}`]),
    ...(network === '' ? [] : [`network ${network}`]),
    ...(address === '' ? [] : [address]),
  ]
  return words.length === 0 ? 'anybody' : words.join(' at ')
}
