#!/bin/busybox sh
# First process of the emulated machine, in the kernel's first file system (busybox and a few modules): makes the host's
# files its root, read only below a layer in memory, and goes on with start.sh there.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
fail() { echo "emulator: $*" >&2; poweroff -f; }

# In the order of their names: each after those that it needs.
for module in /modules/*.ko; do insmod "$module" || fail "no module $module"; done
share=trans=virtio,version=9p2000.L,msize=524288
mount -t 9p -o $share,ro,cache=loose host /below || fail 'no files of the host'
mount -t tmpfs -o mode=755 tmpfs /above
mkdir /above/upper /above/work
mount -t overlay -o lowerdir=/below,upperdir=/above/upper,workdir=/above/work overlay /root || fail 'no overlay'
for folder in proc sys dev; do mount -o move /$folder /root/$folder; done
mkdir -p /root/run
mount -t tmpfs -o mode=755 tmpfs /root/run
mkdir /root/run/emulator
cp /start.sh /command.sh /root/run/emulator/
exec switch_root /root /bin/sh /run/emulator/start.sh
