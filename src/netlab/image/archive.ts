// The archive `docker load` reads (Docker Image Specification v1.2): a manifest, one configuration per image, and layers
// that images may share. Made here byte by byte, so that no registry and no engine is needed.

import { createHash } from 'node:crypto'
import { type TarEntry, tarArchive } from './tar.ts'

export interface ImageSpec {
  /** Like `busybox:latest`. */
  readonly tag: string
  /** Bottom first. */
  readonly layers: readonly Uint8Array[]
  readonly command: readonly string[]
}

export interface ArchiveOptions {
  /** As Docker names it: amd64, arm64 … */
  readonly architecture: string
}

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Chunks of the archive. The same images give the same bytes. */
export function* imageArchive(images: readonly ImageSpec[], options: ArchiveOptions): Generator<Uint8Array> {
  const entries = new Map<string, TarEntry>()
  const manifest: unknown[] = []
  for (const image of images) {
    const digests = image.layers.map((layer) => sha256(layer))
    const config = Buffer.from(JSON.stringify(imageConfig(image, digests, options)))
    const configPath = `${sha256(config)}.json`
    entries.set(configPath, { kind: 'file', path: configPath, mode: 0o644, content: config })
    for (const [index, layer] of image.layers.entries()) {
      const path = `${digests[index]}/layer.tar`
      entries.set(path, { kind: 'file', path, mode: 0o644, content: layer })
    }
    const layers = digests.map((digest) => `${digest}/layer.tar`)
    manifest.push({ Config: configPath, RepoTags: [image.tag], Layers: layers })
  }
  const content = Buffer.from(JSON.stringify(manifest))
  yield* tarArchive([...entries.values(), { kind: 'file', path: 'manifest.json', mode: 0o644, content }])
}

function imageConfig(image: ImageSpec, digests: readonly string[], options: ArchiveOptions): unknown {
  const created = '2000-01-01T00:00:00Z'
  return {
    architecture: options.architecture,
    os: 'linux',
    created,
    config: { Env: [`PATH=${searchPath}`], Cmd: image.command, WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
    history: digests.map(() => ({ created, created_by: 'netlab' })),
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
