// From the JSON of an intent file to an intent. Three dialects are one here: tenants in a list, one tenant's fields at
// the top (then it is the tenant `default`), and host bindings as a field or as a bare list. See docs/intents.md.

import { parseIpv4 } from '../../lib/address.ts'
import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
import type { Intent, IntentBinding, IntentHost, IntentInfraNetwork } from '../../model/intent.ts'
import { Fields, type Issue, readList, reportTwice } from './fields.ts'
import { readContainer, readHostName, readObjectName, readTag, readTenant, tenantFields } from './parse-tenant.ts'

/** What the document is for: `bindings` needs host bindings, the others need tenants. */
export type Purpose = 'desired' | 'add' | 'delete' | 'bindings'

/** Reads a document; the problem's details list every issue with its path. */
export function parseIntent(document: unknown, purpose: Purpose): Intent | Problem {
  const issues: Issue[] = []
  const intent = readDocument(document, purpose, issues)
  const [first] = issues
  if (first === undefined) return intent
  const texts = issues.map(({ path, text }) => (path === '' ? `the document ${text}` : `${path} ${text}`))
  const more = texts.length > 5 ? `; and ${texts.length - 5} more` : ''
  const details = { path: first.path, issues: texts.slice(0, 100) }
  return problem('invalid', 'INVALID_INTENT', `${texts.slice(0, 5).join('; ')}${more}`, details)
}

function readDocument(document: unknown, purpose: Purpose, issues: Issue[]): Intent {
  const bare = Array.isArray(document) && purpose === 'bindings'
  const top = new Fields({ value: bare ? { HostBindings: document } : document, path: '' }, issues)
  if (issues.length === 0) checkPurpose(top, purpose)
  const listed = readList(top, 'Tenants', (fields) => readTenant(fields, readObjectName(fields, 'Name')))
  const intent: Intent = {
    hosts: readList(top, 'Hosts', readHost),
    infraNetworks: readList(top, 'InfraNetworks', readInfraNetwork),
    tenants: isFlat(top) ? [readTenant(top, 'default'), ...listed] : listed,
    bindings: readList(top, 'HostBindings', readBinding),
  }
  top.finish()
  reportTwice(
    top,
    'Tenants',
    listed.map(({ name }) => name),
  )
  reportTwice(
    top,
    'Hosts',
    intent.hosts.map(({ name }) => name),
  )
  reportTwice(
    top,
    'InfraNetworks',
    intent.infraNetworks.map(({ name }) => name),
  )
  reportTwice(
    top,
    'HostBindings',
    intent.bindings.map(({ container }) => container),
  )
  return intent
}

function isFlat(top: Fields): boolean {
  return tenantFields.some((name) => top.has(name))
}

/** An empty document must not mean "remove everything": who wants that says so with an empty list. */
function checkPurpose(top: Fields, purpose: Purpose): void {
  const flat = isFlat(top)
  if (purpose === 'bindings') {
    if (!top.has('HostBindings')) top.reportSelf('has no HostBindings; add them: [{"Container": …, "Host": …}]')
  } else if (flat && top.has('Tenants')) {
    top.reportSelf('has both Tenants and fields of a tenant at the top; move those into the tenant they are meant for')
  } else if (!flat && !top.has('Tenants')) {
    const remedy = purpose === 'desired' ? '; write "Tenants": [] to remove everything that intents made' : ''
    top.reportSelf(`has no Tenants${remedy}`)
  }
}

function readHost(fields: Fields): IntentHost {
  const host = {
    name: readHostName(fields, 'Name'),
    intf: fields.text('Intf'),
    vtepIp: fields.text('VtepIP'),
    netId: fields.text('NetID'),
  }
  if (host.name === '') fields.report('Name', 'is missing; give the label of a host')
  if (host.intf === '' && host.vtepIp === '') {
    fields.reportSelf(
      'names neither Intf (the uplink of VLANs) nor VtepIP (the tunnel end of VXLANs); give one of them',
    )
  }
  if (host.vtepIp !== '' && parseIpv4(host.vtepIp) === undefined) {
    fields.report('VtepIP', `is not an IPv4 address: ${JSON.stringify(host.vtepIp)}`)
  }
  return host
}

function readInfraNetwork(fields: Fields): IntentInfraNetwork {
  return { name: readObjectName(fields, 'Name'), ...readTag(fields) }
}

function readBinding(fields: Fields): IntentBinding {
  const host = readHostName(fields, 'Host')
  const binding = { container: readContainer(fields), host, attachUuid: fields.text('AttachUUID') }
  if (host === '' && binding.attachUuid === '') fields.reportSelf('binds nothing; give Host, AttachUUID or both')
  return binding
}
