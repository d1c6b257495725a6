// What tests need to serve TLS on the loopback.

import assert from 'node:assert/strict'
import type { Server } from 'node:net'
import type { TestContext } from 'node:test'

// A certificate that nobody trusts, valid for a hundred years: openssl req -x509 -newkey ec -subj /CN=netmaster.test
export const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaX6aQn47fd1cigF+
RIDNK3ZEV5A51LDCziQhYWk57+6hRANCAAR/3gfWimhCssQUXgJUsUVnelEz25u/
PMv3S3Tz2u2sbEK4cLoI6AziGaE2EoHcRCvp1AjizZ6xKuRcaWBBy6AJ
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBijCCAS+gAwIBAgIUMa1O6LBVUmKMMU2qf54s5Xf1OPYwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwObmV0bWFzdGVyLnRlc3QwIBcNMjYxMTIxMDE1MjM2WhgPMjEy
NjEwMjgwMTUyMzZaMBkxFzAVBgNVBAMMDm5ldG1hc3Rlci50ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEf94H1opoQrLEFF4CVLFFZ3pRM9ubvzzL90t089rt
rGxCuHC6COgM4hmhNhKB3EQr6dQI4s2esSrkXGlgQcugCaNTMFEwHQYDVR0OBBYE
FP9L5rGe0MAYSR5SjGlL68dhGeknMB8GA1UdIwQYMBaAFP9L5rGe0MAYSR5SjGlL
68dhGeknMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAPdwuLbr
x92DPImpc3RPY50LzQCi29YRWuexRel5qC7HAiEA62KsREDQE8fTnOcl3ZA2Wh/s
Ii0uHsQKsRstGRke/V8=
-----END CERTIFICATE-----`,
}

/** Listens on a free port, until the test ends. */
export async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => server.close(resolve)))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}
