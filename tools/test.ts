// Runs the tests of some folders with node:test and ends with its closing lines, and after them a line or a few for each failure:
// who sees no more than the end of a log sees all that failed.
//
//   node tools/test.ts [--serial] FOLDER…
//
// Exit status 1 when a test failed, when no test was run at all, or when one was skipped for a reason not listed below
// while NETPLUGIN_NO_SKIP is set (continuous integration: a machine that cannot test something must be noticed).

import { existsSync, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { patient } from '../src/netlab/wait.ts'

/** Of what a failure says, at the very end. */
const maxLines = 6
const maxColumns = 300

/** What a machine may lack: the tests that need it are skipped everywhere without it. */
const expectedSkips: readonly RegExp[] = [/openvswitch kernel module/]

const serial = process.argv.includes('--serial')
const folders = process.argv.slice(2).filter((argument) => argument !== '--serial')
const files = folders.flatMap((folder) => (existsSync(folder) ? globSync(`${folder}/**/*.test.ts`).sort() : []))
if (files.length === 0) {
  process.stderr.write(`no tests found in ${folders.join(', ')}\n`)
  process.exit(1)
}

const timeoutMs = patient(serial ? 300_000 : 150_000)
const problems: string[] = []
const failures: string[] = []
const outcome = { ran: 0, failed: false, last: 'none' }

// A file whose tests are over but that left something open would keep the run waiting for ever: the timeout is for tests.
const stop = new AbortController()
const quiet = setTimeout(() => {
  problems.push(
    `no test has ended for ${(timeoutMs + 15_000) / 1000} s: a file does not end; the last test was ${outcome.last}`,
  )
  stop.abort()
}, timeoutMs + 15_000)

const stream = run({
  files,
  concurrency: serial ? 1 : availableParallelism(),
  timeout: timeoutMs,
  signal: stop.signal,
})
stream.on('test:complete', (test) => {
  outcome.last = `"${test.name}" of ${test.file ?? 'an unknown file'}`
  quiet.refresh()
})
stream.on('test:fail', (test) => {
  // A test marked as to do may fail.
  if (test.todo !== undefined && test.todo !== false) return
  outcome.failed = true
  const { error } = test.details
  // What contains a failed test fails as well, and has nothing to add.
  if ('failureType' in error && error.failureType === 'subtestsFailed') return
  const { message } = error.cause instanceof Error ? error.cause : error
  const lines = message
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, maxLines)
  const where = `${relative(process.cwd(), test.file ?? 'an unknown file')}:${test.line ?? 0}`
  failures.push([`${where}: ${test.name}`, ...lines.map((line) => `    ${line.slice(0, maxColumns)}`)].join('\n'))
})
stream.on('test:pass', (test) => {
  const skipped = test.skip !== undefined && test.skip !== false
  // A file without a test in it is reported as one test, under its own name.
  if (!skipped && test.details.type !== 'suite' && test.name !== test.file) outcome.ran++
  if (skipped && process.env.NETPLUGIN_NO_SKIP !== undefined) {
    const reason = test.skip === true ? 'no reason given' : String(test.skip)
    if (!expectedSkips.some((expected) => expected.test(reason))) problems.push(`skipped: ${test.name} (${reason})`)
  }
})
stream.on('test:summary', ({ success }) => {
  if (!success) outcome.failed = true
})
stream.on('end', () => {
  clearTimeout(quiet)
  if (outcome.ran === 0) problems.push('no test was run')
})
// At the very end: the runner sets the status of this process, too.
process.on('exit', () => {
  const last = [...failures.map((failure) => `failed: ${failure}`), ...problems]
  if (last.length > 0) process.stderr.write(`${last.join('\n')}\n`)
  if (outcome.failed || problems.length > 0) process.exitCode = 1
})
stream.compose(new spec()).pipe(process.stdout)
