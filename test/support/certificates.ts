// Certificates for tests: an authority, a server's and a client's certificate of it, made by openssl.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

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

/** Writes them to the directory. `addresses`: of the server, besides the loopback's. */
export function makeCertificates(directory: string, addresses: readonly string[] = []): Certificates {
  const path = (name: string) => join(directory, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe', timeout: 20_000 })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const name of ['ca', 'stranger']) {
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)]
    openssl('req', '-x509', ...newKey, ...files, '-subj', `/CN=test ${name}`, '-days', '2')
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
