// Creates one endpoint after another until its standard input ends, in a process of its own, so that it measures the
// server and not those who load it.
//
//   node one-by-one.ts PORT       prints `ready`, then the milliseconds of each as JSON

import { RawClient } from './raw-client.ts'
import { createEndpoint } from './rest-requests.ts'

const client = await RawClient.connect(Number(process.argv[2]))
const waits: number[] = []
let stopped = false
process.stdin.resume().once('end', () => {
  stopped = true
})
process.stdout.write('ready\n')
while (!stopped) waits.push(await createEndpoint(client))
client.close()
process.stdout.write(`${JSON.stringify(waits)}\n`)
