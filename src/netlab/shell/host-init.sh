#!/bin/sh
# First process of a lab host, inside its own mount, net, uts, ipc and pid namespaces: makes the host's private view of
# the file system, says "ready" on descriptor 3, then stays to reap orphans. When it is killed, the kernel ends every
# process of the host and drops its mounts and links.
#
# Environment: NETLAB_HOST (its name), NETLAB_HOST_DIR (its folder on disk), NETLAB_HOSTS_FILE (lines for /etc/hosts),
# NETLAB_NAMESERVER (address for /etc/resolv.conf).
set -eu

hostname "$NETLAB_HOST"

# /run before all else: sockets and plug-in folders belong to one host only (/var/run leads here).
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netlab/cgroup /run/netns /run/lock /run/openvswitch /run/docker/plugins /run/containerd

# A sysfs of this network namespace; the cgroup mounts that sat in the old one are carried across.
mount --rbind /sys/fs/cgroup /run/netlab/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/netlab/cgroup /sys/fs/cgroup
umount -l /run/netlab/cgroup

# What this host writes under these folders lands in memory and ends with it; the machine's own files shine through.
overlay() { # folder, name
  mkdir -p "/run/netlab/overlay/$2/upper" "/run/netlab/overlay/$2/work"
  mount -t overlay overlay \
    -o "lowerdir=$1,upperdir=/run/netlab/overlay/$2/upper,workdir=/run/netlab/overlay/$2/work" "$1"
}
overlay /etc etc
overlay /var/lib var-lib
overlay /var/log var-log
overlay /opt opt

# What must outlive a program, and what people want to read from outside, is kept in the host's folder.
keep() { # folder in the host, folder on disk
  mkdir -p "$1" "$NETLAB_HOST_DIR/$2"
  mount --bind "$NETLAB_HOST_DIR/$2" "$1"
}
keep /var/lib/openvswitch openvswitch
keep /var/lib/netplugin netplugin
keep /var/lib/cni cni
keep /var/log/openvswitch log
keep /var/log/netplugin log

rm -rf /etc/docker /etc/openvswitch /etc/cni/net.d
mkdir -p /etc/docker/plugins /etc/openvswitch /etc/cni/net.d
echo "$NETLAB_HOST" >/etc/hostname
rm -f /etc/hosts /etc/resolv.conf
printf '%s\n' "$NETLAB_HOSTS_FILE" >/etc/hosts
# Nothing listens there unless somebody starts a server: unknown names are refused at once instead of timing out.
echo "nameserver $NETLAB_NAMESERVER" >/etc/resolv.conf

set_kernel() { # name, value: a kernel without it (no IPv6) is no fault
  if [ -e "/proc/sys/$1" ]; then echo "$2" >"/proc/sys/$1"; fi
}
set_kernel net/ipv4/ip_forward 1
set_kernel net/ipv6/conf/all/disable_ipv6 0
set_kernel net/ipv6/conf/default/disable_ipv6 0
ip link set lo up

echo ready >&3
exec 3>&-
trap : TERM INT HUP
while :; do
  sleep 2147483647 &
  wait $! || true
done
