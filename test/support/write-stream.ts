// Writes one policy after another to netmasters, as one who has them all in his list, until it is killed. Says of each, as a
// line of JSON, whether it was acknowledged, and after how many milliseconds. Run inside a lab.
//
//   node test/support/write-stream.ts URL,URL PREFIX

import { createClient } from '../../src/api/client.ts'
import { asNetpluginError } from '../../src/lib/errors.ts'

export interface Written {
  readonly name: string
  readonly ms: number
  /** Empty: acknowledged. */
  readonly error: string
}

async function main(baseUrl: string, prefix: string): Promise<void> {
  const client = createClient({ baseUrl, timeoutMs: 10_000 })
  for (let n = 0; ; n++) {
    const policyName = `${prefix}${n}`
    const started = performance.now()
    let error = ''
    try {
      await client.policies.create(`default:${policyName}`, { tenantName: 'default', policyName })
    } catch (cause) {
      const { code, message } = asNetpluginError(cause)
      error = `${code} ${message}`
    }
    const written: Written = { name: policyName, ms: Math.round(performance.now() - started), error }
    process.stdout.write(`${JSON.stringify(written)}\n`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

if (process.argv[1]?.endsWith('write-stream.ts') === true) {
  const [, , urls = '', prefix = 'p'] = process.argv
  await main(urls, prefix)
}
