// Generic netlink, as far as asking whether a family exists (linux/genetlink.h). Asking makes the kernel load the
// module that provides the family, when there is one.

import { Reader, Writer } from '../../lib/bytes.ts'
import { readAttributes, writeAttributes } from './attribute.ts'
import { genericAttributes, genericCommand } from './constants.ts'

export interface GenericFamily {
  readonly id: number
  readonly name: string
}

const headerLength = 4

/** Body of a CTRL_CMD_GETFAMILY request. */
export function encodeFamilyQuery(name: string): Buffer {
  const writer = new Writer(32).u8(genericCommand.getFamily).u8(1).u16le(0)
  return writeAttributes(writer, genericAttributes, { familyName: name }).take()
}

export function decodeFamily(body: Buffer): GenericFamily {
  const values = readAttributes(new Reader(body).skip(headerLength), genericAttributes)
  return { id: values.familyId ?? 0, name: values.familyName ?? '' }
}
