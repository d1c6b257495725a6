// Opens TCP connections one after the other, sends one byte over each and waits for it to come back.
//
//   node bench/inside/connections.ts ADDRESS PORT COUNT         one JSON document on standard output

import { once } from 'node:events'
import { connect } from 'node:net'

/** Milliseconds of each connection. */
export interface ConnectionTimes {
  readonly connect: readonly number[]
  readonly roundTrip: readonly number[]
}

const [host = '', port = '0', count = '0'] = process.argv.slice(2)

async function measure(): Promise<ConnectionTimes> {
  const times = { connect: [] as number[], roundTrip: [] as number[] }
  const warmUp = 20
  for (let index = -warmUp; index < Number(count); index++) {
    const start = performance.now()
    const socket = connect({ host, port: Number(port), noDelay: true })
    socket.setTimeout(5_000, () => socket.destroy(new Error(`${host} did not answer within 5 s`)))
    await once(socket, 'connect')
    const connected = performance.now()
    socket.write('x')
    await once(socket, 'data')
    const answered = performance.now()
    socket.destroy()
    await once(socket, 'close')
    if (index < 0) continue
    times.connect.push(connected - start)
    times.roundTrip.push(answered - connected)
  }
  return times
}

process.stdout.write(JSON.stringify(await measure()))
