// The plugin side of the Container Network Interface: see README.md.

export { type CniCall, type CniCommand, parseCall } from './call.ts'
export { callDaemon } from './client.ts'
export { type CniConfig, labelsOf, parseConfig, parseDocument, portMappingsOf } from './config.ts'
export { CniError, cniCode } from './error.ts'
export { type CniAnswer, type CniRequest, decodeRequest, encodeRequest } from './framing.ts'
export { isObject, type JsonObject, objectAt, textAt } from './json.ts'
export { answerRequest, type CniPlugin } from './plugin.ts'
export {
  type CniAddress,
  type CniResult,
  type CniRoute,
  decodeResult,
  emptyResult,
  encodeResult,
  isV6,
} from './result.ts'
export { CniServer } from './server.ts'
export { supportedVersions } from './version.ts'
