#!/bin/sh
# First process of the lab's underlay: the wires between the hosts. Two kernel bridges, `control` and `data`, in a
# network namespace of their own. Says "ready" on descriptor 3 when the bridges are up.
#
# Environment: NETLAB_HOST, NETLAB_CONTROL_ADDRESS and NETLAB_DATA_ADDRESS (with prefix length), NETLAB_MTU.
set -eu

hostname "$NETLAB_HOST"
mount -t tmpfs -o mode=755 tmpfs /run
mount -t sysfs sysfs /sys
mkdir -p /run/netlab /run/lock

ip -batch - <<LINKS
link set lo up
link add control type bridge forward_delay 0 mcast_snooping 0
link add data type bridge forward_delay 0 mcast_snooping 0
link set control mtu 1500 up
link set data mtu $NETLAB_MTU up
addr add $NETLAB_CONTROL_ADDRESS dev control
addr add $NETLAB_DATA_ADDRESS dev data
LINKS
# A partial checksum that meets the userspace datapath stays partial: TCP would fail where ping works.
ethtool -K data tx off >/dev/null
# Forwards between its networks and answers "unreachable" for the rest of the world at once.
echo 1 >/proc/sys/net/ipv4/ip_forward
# The ports of the bridges need no addresses of their own.
if [ -e /proc/sys/net/ipv6/conf/default/disable_ipv6 ]; then echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; fi

echo ready >&3
exec 3>&-
trap : TERM INT HUP
while :; do
  sleep 2147483647 &
  wait $! || true
done
