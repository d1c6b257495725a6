# The emulated machine with the host's files in /, each write to them in memory: makes what an ordinary machine has before
# somebody logs in, runs command.sh and says with what status it ended. Environment, from the kernel's command line:
# EMULATOR_KERNEL (folder of the unpacked package of the kernel that runs).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
release=$(uname -r)

mkdir -p /run/lock /run/netns /run/openvswitch /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -sfn /proc/self/fd /dev/fd

mkdir -p "/lib/modules/$release"
mount --bind "$EMULATOR_KERNEL/lib/modules/$release" "/lib/modules/$release"

mount -t tmpfs cgroups /sys/fs/cgroup
for controller in cpu cpuacct cpuset memory devices freezer blkio pids; do
  mkdir "/sys/fs/cgroup/$controller"
  mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" 2>/dev/null || rmdir "/sys/fs/cgroup/$controller"
done

# Labs in memory of their own: Docker's layers cannot lie above a layer. Images that the host has made are good here.
labs=/var/tmp/netlab
mkdir -p $labs/.images /run/images
mount --bind $labs/.images /run/images
mount -t tmpfs -o mode=755 tmpfs $labs
mkdir $labs/.images
mount --bind /run/images $labs/.images

ip link set lo up
hostname emulated

# The second and third serial port: what the command writes, and its exit status.
for port in /dev/ttyS1 /dev/ttyS2; do stty raw -echo <$port; done
sh /run/emulator/command.sh </dev/null >/dev/ttyS1 2>&1
echo $? >/dev/ttyS2
stty raw </dev/ttyS1 # returns when all has been sent
busybox poweroff -f
