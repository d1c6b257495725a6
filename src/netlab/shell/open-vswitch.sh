#!/bin/sh
# Starts the parts of Open vSwitch inside a lab host, without the package's service scripts. Each part returns when it
# answers. Arguments: any of `ovsdb-server`, `ovs-vswitchd`, `physical-bridge`, done in the order given.
#
# Environment: NETLAB_HOST, NETLAB_DATAPATH (`netdev` or `system`); for physical-bridge NETLAB_UPLINK_ADDRESS (with
# prefix length) and NETLAB_MTU.
set -eu
cd /
database=/var/lib/openvswitch/conf.db
run=/run/openvswitch
log=/var/log/openvswitch

start_ovsdb_server() {
  [ -e "$database" ] || ovsdb-tool create "$database" /usr/share/openvswitch/vswitch.ovsschema
  NETLAB_PROGRAM=ovsdb-server ovsdb-server "$database" --remote="punix:$run/db.sock" \
    --remote=db:Open_vSwitch,Open_vSwitch,manager_options --pidfile="$run/ovsdb-server.pid" \
    -vconsole:off -vsyslog:off --log-file="$log/ovsdb-server.log" --detach --no-chdir
  ovs-vsctl --no-wait -- init -- set Open_vSwitch . \
    "external_ids:system-id=$NETLAB_HOST" "external_ids:hostname=$NETLAB_HOST"
}

start_ovs_vswitchd() {
  if [ "$NETLAB_DATAPATH" = netdev ]; then only_userspace=--disable-system; else only_userspace=; fi
  NETLAB_PROGRAM=ovs-vswitchd ovs-vswitchd "unix:$run/db.sock" $only_userspace --pidfile="$run/ovs-vswitchd.pid" \
    -vconsole:off -vsyslog:off --log-file="$log/ovs-vswitchd.log" --detach --no-chdir
}

# The userspace datapath sends tunnel packets only through a bridge of its own that owns both the NIC and the address:
# the address sits on the bridge's tap, with the NIC's MAC. Repeated after a restart: it changes only what is missing.
make_physical_bridge() {
  mac=$(cat /sys/class/net/eth1/address)
  ovs-vsctl --may-exist add-br br-phys \
    -- set Bridge br-phys datapath_type=netdev fail_mode=standalone "other_config:hwaddr=$mac" \
    -- --may-exist add-port br-phys eth1 \
    -- set Interface br-phys "mtu_request=$NETLAB_MTU"
  if [ -e /proc/sys/net/ipv6/conf/br-phys/disable_ipv6 ]; then
    echo 1 >/proc/sys/net/ipv6/conf/br-phys/disable_ipv6
  fi
  ethtool -K br-phys tx off >/dev/null
  ip addr replace "$NETLAB_UPLINK_ADDRESS" dev br-phys
  ip link set br-phys up
}

for part; do
  case $part in
  ovsdb-server) start_ovsdb_server ;;
  ovs-vswitchd) start_ovs_vswitchd ;;
  physical-bridge) make_physical_bridge ;;
  *) echo "open-vswitch.sh: no part is called $part" >&2; exit 2 ;;
  esac
done
