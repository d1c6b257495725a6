// Transmit checksum offload of a device, by the ethtool ioctl (linux/ethtool.h, netdevice(7)). A virtual device with the
// offload on hands out packets without checksums; a userspace switch passes them on as they are, and TCP fails.
//
//   struct ifreq { char name[16]; struct ethtool_value *data; … }  40 bytes    struct ethtool_value { u32 cmd, data; }

import { NetpluginError } from '../../lib/errors.ts'
import { libc } from '../../lib/libc.ts'
import { addressFamily, ethtoolCommand, ethtoolRequest, interfaceNameSize, socketType } from './constants.ts'
import { systemError } from './errno.ts'

const requestBytes = 40

/** Switches transmit checksums off, and with them segmentation offload; for a device of the current namespace. */
export function disableTxChecksum(device: string): void {
  ethtoolValue(device, ethtoolCommand.setTxChecksum, 0, `switch transmit checksums of ${device} off`)
}

/** Whether the device leaves transmit checksums to hardware that a virtual device does not have. */
export function hasTxChecksum(device: string): boolean {
  return ethtoolValue(device, ethtoolCommand.getTxChecksum, 0, `read the transmit checksums of ${device}`) !== 0
}

function ethtoolValue(device: string, command: number, data: number, action: string): number {
  const name = Buffer.from(device)
  if (name.length === 0 || name.length >= interfaceNameSize) {
    throw new NetpluginError('invalid', 'BAD_LINK_NAME', `'${device}' is not a device name: 1 to 15 bytes`)
  }
  const fd = libc.socket(addressFamily.inet, socketType.datagram | socketType.closeOnExec, 0)
  if (fd < 0) throw systemError(action, -fd)
  try {
    const request = Buffer.alloc(requestBytes)
    name.copy(request)
    const value = Buffer.alloc(8)
    value.writeUInt32LE(command, 0)
    value.writeUInt32LE(data, 4)
    const status = libc.ioctlWithPointer(fd, ethtoolRequest, request, interfaceNameSize, value)
    if (status < 0) throw systemError(action, -status)
    return value.readUInt32LE(4)
  } finally {
    libc.close(fd)
  }
}
