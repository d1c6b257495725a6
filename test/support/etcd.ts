// Real etcd clusters for tests, on the loopback: with TLS and client certificates, and with users when asked for.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServerOptions } from '../../src/drivers/store/index.ts'
import { type Certificates, makeCertificates } from '../../src/netlab/certificates.ts'
import { freePort } from './free-port.ts'

export interface EtcdOptions {
  readonly members: number
  /** The user `root` with this password; left out: no users. */
  readonly password?: string
  /** Writes reach the disk before they are acknowledged, as outside of tests. */
  readonly syncs?: boolean
  /** More arguments for etcd. */
  readonly args?: readonly string[]
}

interface Member {
  readonly name: string
  readonly client: number
  readonly peer: number
  process: ChildProcess | undefined
}

export class EtcdCluster {
  readonly certificates: Certificates
  readonly #options: EtcdOptions
  readonly #directory: string
  readonly #members: Member[] = []
  #prefixes = 0

  private constructor(options: EtcdOptions) {
    this.#options = options
    this.#directory = mkdtempSync(join(tmpdir(), 'netplugin-etcd-'))
    this.certificates = makeCertificates(this.#directory)
    // However the test ends.
    process.once('exit', () => {
      for (const member of this.#members) member.process?.kill('SIGKILL')
    })
  }

  static async start(options: EtcdOptions): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(options)
    try {
      for (let number = 0; number < options.members; number++) {
        cluster.#members.push({
          name: `m${number}`,
          client: await freePort(),
          peer: await freePort(),
          process: undefined,
        })
      }
      for (let number = 0; number < options.members; number++) cluster.restart(number)
      await cluster.healthy()
      if (options.password !== undefined) await cluster.#enableUsers(options.password)
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** `127.0.0.1:port` of each member. */
  get endpoints(): readonly string[] {
    return this.#members.map(({ client }) => `127.0.0.1:${client}`)
  }

  /** To open a store with a prefix of its own. */
  target(): ServerOptions & { readonly kind: 'etcd' } {
    const { password } = this.#options
    return {
      kind: 'etcd',
      endpoints: this.endpoints,
      tls: { ca: this.certificates.ca, cert: this.certificates.clientCert, key: this.certificates.clientKey },
      ...(password === undefined ? {} : { user: { name: 'root', password } }),
      prefix: `/test-${this.#prefixes++}/`,
    }
  }

  restart(number: number): void {
    const member = this.#member(number)
    const url = `https://127.0.0.1:${member.client}`
    const peer = (port: number) => `http://127.0.0.1:${port}`
    const log = openSync(join(this.#directory, `${member.name}.log`), 'a')
    const { serverCertFile, serverKeyFile, caFile } = this.certificates
    member.process = spawn(
      'etcd',
      [
        ...['--name', member.name, '--data-dir', join(this.#directory, member.name)],
        ...(this.#options.syncs === true ? [] : ['--unsafe-no-fsync']),
        ...['--listen-client-urls', url, '--advertise-client-urls', url],
        ...['--listen-peer-urls', peer(member.peer), '--initial-advertise-peer-urls', peer(member.peer)],
        ...['--initial-cluster', this.#members.map((each) => `${each.name}=${peer(each.peer)}`).join(',')],
        ...['--cert-file', serverCertFile, '--key-file', serverKeyFile],
        ...['--trusted-ca-file', caFile, '--client-cert-auth'],
        ...['--heartbeat-interval', '50', '--election-timeout', '500'],
        ...(this.#options.args ?? []),
      ],
      { stdio: ['ignore', log, log] },
    )
  }

  async kill(number: number): Promise<void> {
    const member = this.#member(number)
    const { process } = member
    member.process = undefined
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return
    const exited = once(process, 'exit')
    process.kill('SIGKILL')
    await exited
  }

  pause(number: number): void {
    this.#member(number).process?.kill('SIGSTOP')
  }

  resume(number: number): void {
    this.#member(number).process?.kill('SIGCONT')
  }

  /** From now on each fsync of this member takes so much longer, until what is answered is called. It needs strace and root. */
  async slowDisk(number: number, ms: number): Promise<() => Promise<void>> {
    const pid = this.#member(number).process?.pid
    if (pid === undefined) throw new Error(`member ${number} of etcd does not run`)
    const syncs = 'fsync,fdatasync'
    const slower = ['-e', `trace=${syncs}`, '-e', `inject=${syncs}:delay_exit=${ms * 1_000}`, '-e', 'signal=none']
    // etcd calls the kernel without a library in between that could be replaced.
    const tracer = spawn('strace', ['-f', '-qq', '-p', String(pid), ...slower], { stdio: 'ignore' })
    const exited = once(tracer, 'exit')
    const until = performance.now() + 5_000
    while (!/^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) {
      if (tracer.exitCode !== null || performance.now() > until) throw new Error('strace cannot follow etcd')
      await delay(10)
    }
    return async () => {
      tracer.kill('SIGTERM')
      await exited
    }
  }

  /** The member that leads. */
  async leader(): Promise<number> {
    for (const [number] of this.#members.entries()) {
      const status = await this.#post(number, '/v3/maintenance/status', {}).catch(() => undefined)
      if (status === undefined || !('leader' in status)) continue
      const header = status.header as { readonly member_id?: string } | undefined
      if (header?.member_id === status.leader) return number
    }
    throw new Error('no member of etcd leads')
  }

  /** Resolves when every member that runs knows a leader. */
  async healthy(): Promise<void> {
    const until = performance.now() + 20_000
    for (const [number, { process }] of this.#members.entries()) {
      while (process !== undefined) {
        const answer = await this.#post(number, '/v3/kv/range', { key: 'YQ==' }).catch((error: unknown) => error)
        // One with users lets nobody read without a name, once it is up.
        if (!(answer instanceof Error) || /permission denied|user name/.test(answer.message)) break
        if (performance.now() > until) throw new Error(`etcd does not come up:\n${this.log(number)}`)
        await delay(50)
      }
    }
  }

  log(number: number): string {
    return readFileSync(join(this.#directory, `${this.#member(number).name}.log`), 'utf8').slice(-2_000)
  }

  /** etcd forgets what was before its newest revision. */
  async compact(): Promise<void> {
    const { header } = await this.#post(0, '/v3/kv/range', { key: 'YQ==' })
    const { revision } = header as { readonly revision: string }
    await this.#post(0, '/v3/kv/compaction', { revision, physical: true })
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((_, number) => this.kill(number)))
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #enableUsers(password: string): Promise<void> {
    await this.#post(0, '/v3/auth/user/add', { name: 'root', password })
    await this.#post(0, '/v3/auth/role/add', { name: 'root' })
    await this.#post(0, '/v3/auth/user/grant', { user: 'root', role: 'root' })
    await this.#post(0, '/v3/auth/user/add', { name: 'nobody', password })
    await this.#post(0, '/v3/auth/enable', {})
  }

  /** etcd's JSON gateway. */
  #post(number: number, path: string, body: unknown): Promise<Record<string, unknown>> {
    const { ca, clientCert, clientKey } = this.certificates
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: this.#member(number).client,
          path,
          method: 'POST',
          ca,
          cert: clientCert,
          key: clientKey,
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (piece: string) => {
            text += piece
          })
          response.on('end', () => {
            if (response.statusCode === 200) resolve(JSON.parse(text) as Record<string, unknown>)
            else reject(new Error(`${path}: ${response.statusCode} ${text}`))
          })
        },
      )
      sent.setTimeout(3_000, () => sent.destroy(new Error(`${path}: no answer`)))
      sent.on('error', reject)
      sent.end(JSON.stringify(body))
    })
  }

  #member(number: number): Member {
    const member = this.#members[number]
    if (member === undefined) throw new Error(`etcd has no member ${number}`)
    return member
  }
}
