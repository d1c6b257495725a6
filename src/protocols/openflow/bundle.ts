// Bundles: modifications that the switch applies all at once, in order, or not at all (OpenFlow 1.4.1 section 7.3.9).
//
//   open -> add, add, ... -> close -> (anything refused: discard) -> commit
//
// A refused `add` does not spoil the bundle for Open vSwitch: it would commit the rest. Closing first makes sure that
// all refusals are here before we decide.

import type { Writer } from '../../lib/bytes.ts'
import type { Channel, Exchange } from './channel.ts'
import { beginMessage, endMessage } from './message.ts'
import { encodeModification, type Modification } from './modification.ts'
import { ask, Transfer } from './request.ts'
import { bundleControls, bundleFlags, messageTypes } from './wire.ts'

/** Resolves when everything is in force; rejects with nothing applied, unless the connection ends during the commit. */
export async function commitBundle(
  channel: Channel,
  id: number,
  modifications: readonly Modification[],
  signal?: AbortSignal,
): Promise<void> {
  const transfer = new Transfer(channel, modifications)
  try {
    try {
      // Nothing waits for the answer to the first message: each wait is a turn of the switch's main loop.
      const opened = control(channel, id, 'openRequest', signal)
      await allDone([opened, fill(channel, id, transfer, signal)])
      throwIfRefused(transfer)
    } catch (error) {
      discard(channel, id)
      throw error
    }
    await control(channel, id, 'commitRequest', signal).catch((error: unknown) => {
      throwIfRefused(transfer)
      throw error
    })
  } finally {
    transfer.end()
  }
}

async function fill(channel: Channel, id: number, transfer: Transfer, signal?: AbortSignal): Promise<void> {
  await transfer.run((w, xid, m) => encodeBundleAdd(w, xid, id, m), true, signal)
  await control(channel, id, 'closeRequest', signal)
}

/** Resolves when all have; rejects, with the failure of the first in order, when none is under way any more. */
async function allDone(all: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(all)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

function throwIfRefused(transfer: Transfer): void {
  const refusal = transfer.refusal()
  if (refusal !== undefined) throw refusal
}

type ControlName = 'openRequest' | 'closeRequest' | 'commitRequest' | 'discardRequest'

const controlWords: Readonly<Record<ControlName, string>> = {
  openRequest: 'opening a bundle',
  closeRequest: 'closing a bundle',
  commitRequest: 'committing a bundle',
  discardRequest: 'discarding a bundle',
}

async function control(channel: Channel, id: number, name: ControlName, signal?: AbortSignal): Promise<void> {
  await ask(channel, { what: controlWords[name], encode: (w, xid) => encodeControl(w, xid, id, name) }, signal)
}

function encodeControl(w: Writer, xid: number, id: number, name: ControlName): void {
  const start = beginMessage(w, messageTypes.bundleControl, xid)
  w.u32(id).u16(bundleControls[name]).u16(bundleFlags)
  endMessage(w, start)
}

/** Appends a bundle-add message around a modification. Inner and outer xid must be equal. */
export function encodeBundleAdd(w: Writer, xid: number, id: number, modification: Modification): void {
  const start = beginMessage(w, messageTypes.bundleAdd, xid)
  w.u32(id).zeros(2).u16(bundleFlags)
  encodeModification(w, xid, modification)
  endMessage(w, start)
}

/** Tells the switch to forget the bundle. Nobody waits: the reply, or a refusal, changes nothing. */
function discard(channel: Channel, id: number): void {
  const xid = channel.allocate(1)
  const exchange: Exchange = {
    first: xid,
    last: xid,
    onMessage: () => channel.finish(exchange),
    onClosed: () => {},
  }
  channel.begin(exchange)
  channel.post((w) => encodeControl(w, xid, id, 'discardRequest'))
}
