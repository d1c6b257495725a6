// The reference as one page of HTML that needs nothing else: no script, no other files.

import type { OpenApiDocument, Operation } from './openapi.ts'
import { conventions, type Section, sectionsOf } from './reference.ts'

const style = `
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, .path { font: 14px/1.5 ui-monospace, monospace }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8884 }
summary { cursor: pointer; padding: .2rem 0 }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600 }
nav a { margin-right: .8rem; white-space: nowrap }
`

export function referencePage(document: OpenApiDocument): string {
  const sections = sectionsOf(document)
  const links = sections.map(({ title }) => `<a href="#${escapeHtml(title)}">${escapeHtml(title)}</a>`)
  const rules = conventions.map(({ title, text }) => `<dt><b>${escapeHtml(title)}</b></dt><dd>${escapeHtml(text)}</dd>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>REST API of netmaster</title>
<style>${style}</style>
</head>
<body>
<h1>REST API of netmaster</h1>
<p>Version ${escapeHtml(document.info.version)}. The same for programs: <a href="openapi.json">OpenAPI 3.1</a>.</p>
<nav>${links.join('\n')}</nav>
<dl>${rules.join('\n')}</dl>
${sections.map(sectionHtml).join('\n')}
</body>
</html>
`
}

function sectionHtml({ title, operations, bodies }: Section): string {
  const parts = [`<h2 id="${escapeHtml(title)}">${escapeHtml(title)}</h2>`]
  for (const { method, path, operation } of operations) {
    const head = `<span class="method">${method}</span><span class="path">${escapeHtml(path)}</span>`
    parts.push(
      `<details><summary>${head}<br>${escapeHtml(operation.summary)}</summary>${parametersHtml(operation)}</details>`,
    )
  }
  for (const [name, attributes] of bodies) {
    const rows = attributes.map(({ name, type, rules, required }) => [
      `<code>${escapeHtml(name)}</code>${required ? ' (required)' : ''}`,
      escapeHtml(type),
      escapeHtml(rules),
    ])
    parts.push(`<p><code>${escapeHtml(name)}</code></p>`, table(['attribute', 'type', 'rules'], rows))
  }
  return parts.join('\n')
}

function parametersHtml({ parameters }: Operation): string {
  if (parameters.length === 0) return '<p>No parameters.</p>'
  const rows = parameters.map(({ name, in: place, description }) => [
    `<code>${escapeHtml(name)}</code>`,
    place,
    escapeHtml(description),
  ])
  return table(['parameter', 'in', 'meaning'], rows)
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = titles.map((title) => `<th>${title}</th>`).join('')
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
  return `<table><tr>${head}</tr>\n${body.join('\n')}</table>`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
