// The C library calls that Node does not offer, by FFI. This is the only file that knows koffi. All calls are
// synchronous and report failure as the negative error number, so that errno cannot be lost between two calls.
//
// ioctl is declared with variable arguments, as C declares it: x86-64 calls such functions differently from others. No
// struct crosses this border: structures are built as bytes by the files that know them.

import koffi from 'koffi'

type Value = number | string | bigint | Uint8Array | null
interface Native {
  (...args: readonly Value[]): number
  async(...args: readonly [...Value[], (error: Error | null, result: number) => void]): void
}

// The symbols of the running program: Node is linked to the C library, whichever that is (glibc or musl).
const library = koffi.load(null)
const native = {
  socket: bindCall('int socket(int, int, int)'),
  bind: bindCall('int bind(int, const void *, uint32_t)'),
  setsockopt: bindCall('int setsockopt(int, int, int, const void *, uint32_t)'),
  send: bindCall('long send(int, const void *, size_t, int)'),
  recv: bindCall('long recv(int, void *, size_t, int)'),
  recvmmsg: bindCall('int recvmmsg(int, void *, unsigned int, int, void *)'),
  sendmmsg: bindCall('int sendmmsg(int, void *, unsigned int, int)'),
  close: bindCall('int close(int)'),
  pipe2: bindCall('int pipe2(void *, int)'),
  dup3: bindCall('int dup3(int, int, int)'),
  setns: bindCall('int setns(int, int)'),
  unshare: bindCall('int unshare(int)'),
  mount: bindCall('int mount(const char *, const char *, const char *, unsigned long, const void *)'),
  umount2: bindCall('int umount2(const char *, int)'),
  ioctl: bindCall('int ioctl(int, unsigned long, ...)'),
  nameToIndex: bindCall('unsigned int if_nametoindex(const char *)'),
}
const copyMemory: (to: unknown, from: unknown, length: number) => void = library.func(
  'void *memcpy(void *, const void *, size_t)',
)

function bindCall(prototype: string): Native {
  return library.func(prototype)
}

/** The result, or the negative error number. */
function result(value: number): number {
  return value < 0 ? -koffi.errno() : value
}

export const libc = {
  socket: (domain: number, type: number, protocol: number) => result(native.socket(domain, type, protocol)),
  bind: (fd: number, address: Uint8Array) => result(native.bind(fd, address, address.length)),
  setSocketOption: (fd: number, level: number, name: number, value: Uint8Array) =>
    result(native.setsockopt(fd, level, name, value, value.length)),
  send: (fd: number, bytes: Uint8Array, flags: number) => result(native.send(fd, bytes, bytes.length, flags)),
  /** The same in a thread of its own, for what keeps the kernel busy. Negative when it failed; the number is lost. */
  sendAside: (fd: number, bytes: Uint8Array): Promise<number> =>
    new Promise((resolve, reject) => {
      // The bytes must stay where they are until then.
      native.send.async(fd, bytes, bytes.length, 0, (error, sent) =>
        error === null ? resolve(bytes.length === 0 ? 0 : sent) : reject(error),
      )
    }),
  /** Bytes received into the buffer; with MSG_TRUNC the datagram's own length, which may be larger. */
  receive: (fd: number, into: Uint8Array, flags: number) => result(native.recv(fd, into, into.length, flags)),
  /** Datagrams received, for as many `mmsghdr` structures as are at the address. */
  receiveMany: (fd: number, headers: bigint, count: number, flags: number) =>
    result(native.recvmmsg(fd, headers, count, flags, null)),
  /** Datagrams sent of those that the `mmsghdr` structures at the address describe. */
  sendMany: (fd: number, headers: bigint, count: number, flags: number) =>
    result(native.sendmmsg(fd, headers, count, flags)),
  close: (fd: number) => result(native.close(fd)),
  /** Two descriptors (read end, write end) as two 32-bit numbers in `into`. */
  pipe: (into: Uint8Array, flags: number) => result(native.pipe2(into, flags)),
  duplicate: (fd: number, onto: number, flags: number) => result(native.dup3(fd, onto, flags)),
  setNamespace: (fd: number, type: number) => result(native.setns(fd, type)),
  unshare: (flags: number) => result(native.unshare(flags)),
  /** Without a type of file system: for bind mounts, and for how mounts are shared. */
  mount: (source: string, target: string, flags: number) => result(native.mount(source, target, 'none', flags, null)),
  /** The mount goes when nobody uses it any more. */
  unmountLazily: (target: string) => result(native.umount2(target, 2)),
  /** Index of the link in the current namespace; negative error number when there is none. */
  linkIndex: (name: string) => {
    const index = native.nameToIndex(name)
    return index === 0 ? -koffi.errno() : index
  },
  /**
   * An ioctl whose argument is a structure that holds a pointer to a second one. `pointerAt` is where in `outer` the
   * address of `inner` belongs; `inner` is read back afterwards.
   */
  ioctlWithPointer: (fd: number, request: number, outer: Buffer, pointerAt: number, inner: Uint8Array) => {
    const memory = koffi.alloc('uint8_t', inner.length)
    try {
      copyMemory(memory, inner, inner.length)
      outer.writeBigUInt64LE(koffi.address(memory), pointerAt)
      const value = result(native.ioctl(fd, request, 'void *', outer))
      copyMemory(inner, memory, inner.length)
      return value
    } finally {
      koffi.free(memory)
    }
  },
} as const

/** Memory with an address that structures can hold. */
export interface Memory {
  readonly address: bigint
  readonly bytes: Buffer
  /** Nothing may use it any more. */
  readonly free: () => void
}

/** Zeroed memory that stays where it is. */
export function allocate(length: number): Memory {
  const memory = koffi.alloc('uint8_t', length)
  const bytes = Buffer.from(koffi.view(memory, length)).fill(0)
  return { address: koffi.address(memory), bytes, free: () => koffi.free(memory) }
}
