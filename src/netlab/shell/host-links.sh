#!/bin/sh
# Addresses of a lab host's links, run inside the host once its veth ends are there.
#
# Environment: NETLAB_CONTROL_ADDRESS (with prefix length), NETLAB_GATEWAY, NETLAB_UPLINKS (names, space separated),
# NETLAB_UPLINK_ADDRESS (with prefix length; empty: the first uplink gets none), NETLAB_UPLINK_OWNER (`kernel`, or
# `switch` when a userspace Open vSwitch reads the frames).
set -eu

{
  echo "addr add $NETLAB_CONTROL_ADDRESS dev eth0"
  echo "link set eth0 up"
  echo "route add default via $NETLAB_GATEWAY"
} | ip -batch -

for uplink in $NETLAB_UPLINKS; do
  ethtool -K "$uplink" tx off >/dev/null
  if [ "$NETLAB_UPLINK_OWNER" = switch ]; then
    # Open vSwitch sees a frame before this hook; without the drop the kernel would answer it as well.
    nft -f - <<RULES
table netdev netlab {
  chain $uplink {
    type filter hook ingress device "$uplink" priority -500; policy drop;
  }
}
RULES
    if [ -e "/proc/sys/net/ipv6/conf/$uplink/disable_ipv6" ]; then
      echo 1 >"/proc/sys/net/ipv6/conf/$uplink/disable_ipv6"
    fi
  fi
  if [ -n "$NETLAB_UPLINK_ADDRESS" ] && [ "$uplink" = eth1 ]; then
    ip addr add "$NETLAB_UPLINK_ADDRESS" dev "$uplink"
  fi
  ip link set "$uplink" up
done
