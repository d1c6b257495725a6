// Meters: what a flow sends through one and what exceeds its rate is dropped (OpenFlow 1.4.1 sections 5.7, 7.3.4.4, 7.3.5.12
// and 7.3.5.14). Only the shape that this system uses has words: one band that drops, counted in kilobits, with a burst.

import type { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'

export interface Meter {
  readonly id: number
  /** Kilobits a second. */
  readonly rate: number
  /** Kilobits that may come at once. */
  readonly burst: number
  /** Flags and bands in hex, of a meter of another shape that somebody else made; then rate and burst are 0. */
  readonly foreign?: string
}

export interface MeterFeatures {
  /** Meters have numbers from 1 to this; 0 where the datapath has none. */
  readonly maxMeter: number
}

/** OFPM_ALL: in a deletion, every meter. */
export const allMeters = 0xffffffff

/** OFPMF_KBPS | OFPMF_BURST */
const kilobitsWithBurst = 0x5
/** OFPMBT_DROP */
const bandDrop = 1
const bandLength = 16

/** Appends flags, number and bands, as a meter-mod carries them and a meter's description too. */
export function encodeMeterBody(w: Writer, meter: Meter): void {
  const { id, rate, burst } = meter
  if (meter.foreign !== undefined) {
    const foreign = Buffer.from(meter.foreign, 'hex')
    w.bytes(foreign.subarray(0, 2)).u32(id).bytes(foreign.subarray(2))
    return
  }
  w.u16(kilobitsWithBurst).u32(id)
  w.u16(bandDrop).u16(bandLength).u32(rate).u32(burst).zeros(4)
}

/** Reads flags, number and bands to the end of the reader. */
export function decodeMeterBody(r: Reader): Meter {
  const flags = r.u16()
  const id = r.u32()
  const bands = r.bytes(r.remaining)
  if (flags === kilobitsWithBurst && bands.length === bandLength && bands.readUInt16BE(0) === bandDrop) {
    return { id, rate: bands.readUInt32BE(4), burst: bands.readUInt32BE(8) }
  }
  return { id, rate: 0, burst: 0, foreign: flags.toString(16).padStart(4, '0') + bands.toString('hex') }
}

/** Reads one `ofp_meter_config`. */
export function decodeMeterConfig(r: Reader): Meter {
  const length = r.u16()
  if (length < 8) throw new NetpluginError('protocol', 'METER_LENGTH', `meter description of ${length} bytes`)
  return decodeMeterBody(r.sub(length - 2))
}

export function encodeMeterConfig(w: Writer, meter: Meter): void {
  const start = w.length
  w.u16(0)
  encodeMeterBody(w, meter)
  w.patchU16(start, w.length - start)
}

/** Appends the body of a request for the descriptions of all meters. */
export function encodeMetersRequest(w: Writer): void {
  w.u32(allMeters).zeros(4)
}

/** Reads `ofp_meter_features`. */
export function decodeMeterFeatures(r: Reader): MeterFeatures {
  const maxMeter = r.u32()
  r.skip(12)
  return { maxMeter }
}

export function encodeMeterFeatures(w: Writer, { maxMeter }: MeterFeatures): void {
  w.u32(maxMeter)
    .u32(1 << bandDrop)
    .u32(kilobitsWithBurst)
    .u8(1)
    .zeros(3)
}
