// Where Consul's program is: few systems have it.

import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { NetpluginError } from '../lib/errors.ts'

/** From `tools/setup.sh consul`, or of the system. Throws `not-found` CONSUL_MISSING. */
export function findConsul(repository: string, searched = process.env.PATH ?? ''): string {
  const places = [join(repository, '.cache/consul'), ...searched.split(delimiter)].map((folder) =>
    join(folder, 'consul'),
  )
  const found = places.find((path) => existsSync(path))
  if (found !== undefined) return found
  const message = 'there is no program consul; fetch it with "tools/setup.sh consul", or use --store etcd'
  throw new NetpluginError('not-found', 'CONSUL_MISSING', message)
}
