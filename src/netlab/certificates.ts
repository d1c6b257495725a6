// Certificates for labs and tests: an authority, a server's and a client's certificate of it, made by openssl.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asError, NetpluginError } from '../lib/errors.ts'

export interface Certificates {
  readonly ca: Buffer
  readonly clientCert: Buffer
  readonly clientKey: Buffer
  /** Of an authority that signed nothing here. */
  readonly strangerCa: Buffer
  readonly caFile: string
  readonly serverCertFile: string
  readonly serverKeyFile: string
  readonly clientCertFile: string
  readonly clientKeyFile: string
}

/** Good for so long: labs are left up for days. */
const days = '30'

/** Writes them to the directory, which is made. `addresses`: of the server, besides the loopback's. */
export function makeCertificates(directory: string, addresses: readonly string[] = []): Certificates {
  const path = (name: string) => join(directory, name)
  mkdirSync(directory, { recursive: true })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const name of ['ca', 'stranger']) {
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)]
    openssl('req', '-x509', ...newKey, ...files, '-subj', `/CN=test ${name}`, '-days', days)
  }
  const names = ['IP:127.0.0.1', 'DNS:localhost', ...addresses.map((address) => `IP:${address}`)].join(',')
  for (const [name, usage] of [
    ['server', 'serverAuth,clientAuth'],
    ['client', 'clientAuth'],
  ] as const) {
    openssl('req', ...newKey, '-keyout', path(`${name}.key`), '-out', path(`${name}.csr`), '-subj', '/O=test')
    writeFileSync(path(`${name}.ext`), `subjectAltName=${names}\nextendedKeyUsage=${usage}\n`)
    const signer = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial']
    openssl(
      'x509',
      '-req',
      '-in',
      path(`${name}.csr`),
      ...signer,
      '-out',
      path(`${name}.pem`),
      '-days',
      '2',
      '-extfile',
      path(`${name}.ext`),
    )
  }
  return {
    ca: readFileSync(path('ca.pem')),
    clientCert: readFileSync(path('client.pem')),
    clientKey: readFileSync(path('client.key')),
    strangerCa: readFileSync(path('stranger.pem')),
    caFile: path('ca.pem'),
    serverCertFile: path('server.pem'),
    serverKeyFile: path('server.key'),
    clientCertFile: path('client.pem'),
    clientKeyFile: path('client.key'),
  }
}

function openssl(...args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { stdio: 'pipe', timeout: 20_000 })
  } catch (cause) {
    const message = `openssl made no certificate: ${asError(cause).message}; is it installed (make setup)?`
    throw new NetpluginError('unavailable', 'OPENSSL_FAILED', message, { cause })
  }
}
