// The reference as docs/api.md.

import type { OpenApiDocument } from './openapi.ts'
import { type Attribute, conventions, sectionsOf } from './reference.ts'

export function referenceMarkdown(document: OpenApiDocument): string {
  const lines = [
    '<!-- Made by tools/describe-api.ts from the routes. Change those, then run it: node tools/describe-api.ts -->',
    '',
    '# REST API of netmaster',
    '',
    'Every netmaster serves this page at `/api/v1/docs`, and the same as an OpenAPI 3.1 document at `/api/v1/openapi.json`.',
    '',
    ...conventions.flatMap(({ title, text }) => [`**${title}.** ${escapeMarkdown(text)}`, '']),
  ]
  for (const { title, operations, bodies } of sectionsOf(document)) {
    lines.push(`## ${title}`, '', '| method | path | what |', '|---|---|---|')
    for (const { method, path, operation } of operations) {
      lines.push(`| ${method} | \`${path}\` | ${escapeMarkdown(operation.summary)} |`)
    }
    lines.push('')
    for (const [name, attributes] of bodies) lines.push(`\`${name}\`:`, '', ...table(attributes), '')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function table(attributes: readonly Attribute[]): readonly string[] {
  const rows = attributes.map(({ name, type, rules, required }) => {
    return `| \`${name}\`${required ? ' (required)' : ''} | ${escapeMarkdown(type)} | ${escapeMarkdown(rules)} |`
  })
  return ['| attribute | type | rules |', '|---|---|---|', ...rows]
}

function escapeMarkdown(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*')
}
