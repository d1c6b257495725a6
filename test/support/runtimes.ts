// Containers that podman and containerd's ctr start in the hosts of a lab with `cni`.

import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestLab } from './lab.ts'

export const containerd = 'ctr -a /run/docker/containerd/containerd.sock'
export const busybox = 'docker.io/library/busybox:latest'

/** The same images as Docker's. */
export async function loadImages(lab: TestLab, host: string): Promise<void> {
  const [archive = ''] = globSync(join(dirname(dirname(lab.directory(host))), '.images', '*.tar'))
  await lab.execOk(host, `podman load -q -i ${archive} && ${containerd} image import ${archive}`, { timeoutMs: 90_000 })
}

/** Runs `sleep` unless told otherwise; its id. */
export async function podmanRun(
  lab: TestLab,
  host: string,
  name: string,
  options: string,
  command = 'sleep 1d',
): Promise<string> {
  const line = `podman run -d --cap-add NET_RAW --name ${name} --cgroup-parent $(cat /run/netlab/cgroup-parent)/podman ${options} busybox ${command}`
  return (await lab.execOk(host, line, { timeoutMs: 60_000 })).trim()
}

export async function ctrRun(lab: TestLab, host: string, name: string, command = 'sleep 1d'): Promise<void> {
  const line = `${containerd} run -d --cni --cgroup $(cat /run/netlab/cgroup-parent)/${name} ${busybox} ${name} ${command}`
  await lab.execOk(host, line, { timeoutMs: 60_000 })
}

export const ctrExec = (name: string, command: string) =>
  `${containerd} task exec --exec-id x${name} ${name} ${command}`

export async function ctrRemove(lab: TestLab, host: string, name: string): Promise<void> {
  await lab.execOk(host, `${containerd} task rm -f ${name}; ${containerd} container rm ${name}`, { timeoutMs: 60_000 })
}
