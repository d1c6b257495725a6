// From a request to its answer: reads the call, checks what the version allows, and asks the plugin behind.

import { type CniCall, parseCall } from './call.ts'
import { type CniConfig, parseConfig, parseDocument, versionOf } from './config.ts'
import { CniError, cniCode, encodeError } from './error.ts'
import type { CniAnswer, CniRequest } from './framing.ts'
import { type CniResult, encodeResult } from './result.ts'
import { findVersion, newestVersion, supportedVersions } from './version.ts'

/** What a plugin does. Each throws `CniError`; what else it throws is a fault of its own. */
export interface CniPlugin {
  add(call: CniCall, config: CniConfig, signal: AbortSignal): Promise<CniResult>
  /** Succeeds when there is nothing to delete. */
  del(call: CniCall, config: CniConfig, signal: AbortSignal): Promise<void>
  check(call: CniCall, config: CniConfig, signal: AbortSignal): Promise<void>
  gc(config: CniConfig, signal: AbortSignal): Promise<void>
  status(config: CniConfig, signal: AbortSignal): Promise<void>
  /** The error that stands for something thrown. */
  errorOf(thrown: unknown): CniError
}

/** Never rejects. */
export async function answerRequest(request: CniRequest, plugin: CniPlugin, signal: AbortSignal): Promise<CniAnswer> {
  let version = newestVersion
  try {
    const call = parseCall(request.environment)
    const document = parseDocument(request.input)
    version = versionOf(document)
    if (call.command === 'VERSION') return ok({ cniVersion: version, supportedVersions })
    const row = findVersion(version)
    const config = parseConfig(document)
    const refuse = () => {
      throw new CniError(cniCode.incompatibleVersion, `cniVersion ${version} has no ${call.command}; set a newer one`)
    }
    switch (call.command) {
      case 'ADD':
        return ok(encodeResult(await plugin.add(call, config, signal), row))
      case 'DEL':
        await plugin.del(call, config, signal)
        break
      case 'CHECK':
        if (!row.hasCheck) refuse()
        if (config.prevResult === undefined) {
          throw new CniError(cniCode.invalidConfiguration, 'CHECK needs the prevResult of the ADD in its configuration')
        }
        await plugin.check(call, config, signal)
        break
      case 'GC':
        if (!row.hasStatus) refuse()
        await plugin.gc(config, signal)
        break
      case 'STATUS':
        if (!row.hasStatus) refuse()
        await plugin.status(config, signal)
        break
    }
    return ok(undefined)
  } catch (thrown) {
    const error = thrown instanceof CniError ? thrown : plugin.errorOf(thrown)
    return { status: 1, document: encodeError(error, version) }
  }
}

function ok(document: object | undefined): CniAnswer {
  return { status: 0, document }
}
