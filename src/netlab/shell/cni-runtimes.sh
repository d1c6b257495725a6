#!/bin/sh
# Makes a lab host ready for runtimes that speak CNI: podman (with its CNI backend) and containerd's ctr, which talks to
# dockerd's containerd. Networks are the caller's: netplugin cni install --network NAME.
#
# Environment: NETLAB_HOST_DIR (the host's folder on disk), NETLAB_CGROUP_PARENT.
set -eu
mkdir -p /etc/containers /etc/cni/net.d /opt/cni/bin "$NETLAB_HOST_DIR/podman"
# No systemd reaches into the host: cgroups are made directly. Files on disk are copied, because an overlay cannot lie on one.
cat >/etc/containers/containers.conf <<CONF
[containers]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "cni"
cni_plugin_dirs = ["/opt/cni/bin", "/usr/lib/cni"]
network_config_dir = "/etc/cni/net.d"
CONF
cat >/etc/containers/storage.conf <<CONF
[storage]
driver = "vfs"
graphroot = "$NETLAB_HOST_DIR/podman"
runroot = "/run/containers/storage"
CONF
echo "$NETLAB_CGROUP_PARENT" >/run/netlab/cgroup-parent
netplugin cni install >/dev/null
