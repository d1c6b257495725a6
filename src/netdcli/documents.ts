// Loading intent files. netmaster reads and checks the document; here it only has to be JSON.

import { intentRoutes } from '../api/routes/intents.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import { usage } from '../lib/flags.ts'
import { findJsonError } from '../lib/json-error.ts'
import type { Given } from './flags.ts'
import type { Session } from './session.ts'

const documents = [
  { flag: 'cfg', written: '-cfg', route: intentRoutes.desired },
  { flag: 'addCfg', written: '-add-cfg', route: intentRoutes.add },
  { flag: 'delCfg', written: '-del-cfg', route: intentRoutes.remove },
  { flag: 'hostBindingsCfg', written: '-host-bindings-cfg', route: intentRoutes.bind },
] as const

type DocumentFlag = (typeof documents)[number]

/** The document flag that was given; undefined when none was. */
export function documentFlag(given: Given): DocumentFlag | undefined {
  const [first, second] = documents.filter(({ flag }) => given[flag])
  if (second !== undefined) throw usage(`${first?.written} and ${second.written} exclude each other`)
  return first
}

export async function loadDocument(
  session: Session,
  { route, written, flag }: DocumentFlag,
  file: string,
): Promise<void> {
  const shown = file === '-' ? 'standard input' : file
  const document = parseJson(await session.readText(file), shown)
  if (Array.isArray(document) && flag !== 'hostBindingsCfg') {
    const message = `${shown} holds a list, as host bindings are; load it with -host-bindings-cfg, or put tenants into {"Tenants": […]} for ${written}`
    throw new NetpluginError('invalid', 'LOCAL_FILE', message)
  }
  // Sound: netmaster checks the document, whatever it is; the type only says that it is an object.
  const body = (Array.isArray(document) ? { HostBindings: document } : document) as Record<string, unknown>
  session.printAnswer(await named(shown, session.ask(route, {}, body)))
}

function parseJson(text: string, shown: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = findJsonError(text) ?? asError(cause).message
    throw new NetpluginError('invalid', 'LOCAL_FILE', `${shown} is not JSON: ${why}`, { cause })
  }
}

/** Refusals name a place in the document; which document it is only netdcli knows. */
async function named<T>(shown: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof NetpluginError) || error.details.status === undefined) throw error
    const { kind, code, message, details } = error
    throw new NetpluginError(kind, code, `${shown}: ${message}`, { cause: error, details })
  }
}
