#!/bin/sh
# Installs what the repository needs and is not there yet; says nothing and is quick when nothing is missing.
#
#   tools/setup.sh          programs of the system, then the npm packages
#   tools/setup.sh node     the npm packages only: enough for lint, build and unit tests
#   tools/setup.sh kernel   everything, an emulator, and Debian's kernel in .cache/kernel, for make kernel-test
#   tools/setup.sh consul   Consul of Debian 11 in .cache/consul, where it can be had: for its tests and netlab up --store consul
#
# On Debian and Ubuntu missing programs are installed, without starting any service. Elsewhere they are named.
set -eu
cd "$(dirname "$0")/.."
search=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:/usr/lib/cni

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

# command:package, by Debian's names. A command that is there, from whatever package, is good enough.
needed='
  ovs-vswitchd:openvswitch-switch ovsdb-server:openvswitch-switch ovs-vsctl:openvswitch-switch
  dockerd:docker.io docker:docker.io nft:nftables iptables:iptables ip:iproute2 tc:iproute2 ethtool:ethtool
  iperf3:iperf3 tcpdump:tcpdump socat:socat dig:bind9-dnsutils ping:iputils-ping curl:curl busybox:busybox-static
  ps:procps unshare:util-linux nsenter:util-linux setpriv:util-linux modprobe:kmod etcd:etcd-server strace:strace ldd:libc-bin
  openssl:openssl ctr:containerd runc:runc podman:podman conmon:conmon host-local:containernetworking-plugins
'

missing_commands=
missing_packages=
note_missing() { # command, package
  missing_commands="$missing_commands $1"
  case " $missing_packages " in *" $2 "*) ;; *) missing_packages="$missing_packages $2" ;; esac
}

# Leaves what is not there in missing_commands and missing_packages.
look() {
  missing_commands=
  missing_packages=
  for pair in $needed; do
    (PATH=$search; command -v "${pair%%:*}") >/dev/null || note_missing "${pair%%:*}" "${pair##*:}"
  done
  # The test images need the busybox that stands alone.
  case $missing_commands in
  *busybox*) ;;
  *) if ldd "$(PATH=$search command -v busybox)" >/dev/null 2>&1; then note_missing busybox busybox-static; fi ;;
  esac
}

policy=/usr/sbin/policy-rc.d
own_policy=
restore() { if [ -n "$own_policy" ]; then rm -f "$policy"; fi; }

apt() { # seconds, apt-get arguments…
  seconds=$1
  shift
  DEBIAN_FRONTEND=noninteractive timeout "$seconds" apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 </dev/null
}

update_lists() {
  say 'reading the package lists (apt-get update)'
  # A mirror that hangs once usually answers the second time.
  apt 120 update || apt 240 update || { tail -n 15 "$log" >&2; fail 'apt-get update failed; see above'; }
}

install_packages() {
  log=$(mktemp)
  trap 'restore; rm -f "$log"' EXIT
  trap 'exit 130' INT TERM HUP
  # Packages must not start their services: every lab host starts its own. A policy that is there already stays.
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    own_policy=yes
  fi
  # shellcheck disable=SC2086 # a list of words
  if ! apt 60 install --simulate --no-install-recommends $missing_packages; then update_lists; fi
  say "installing$missing_packages (a minute or two)"
  # shellcheck disable=SC2086
  if ! apt 900 install --no-install-recommends $missing_packages; then
    # Lists that are too old name versions the mirror no longer has.
    update_lists
    # shellcheck disable=SC2086
    apt 900 install --no-install-recommends $missing_packages || { tail -n 20 "$log" >&2; fail 'installing failed; see above'; }
  fi
  restore
  own_policy=
  look
  [ -z "$missing_commands" ] || fail "still missing after installing:$missing_commands"
}

setup_system() {
  look
  [ -n "$missing_commands" ] || return 0
  if ! command -v apt-get >/dev/null; then
    fail "missing:$missing_commands. Install them with this system's package manager (Debian's packages:$missing_packages)"
  fi
  if [ "$(id -u)" != 0 ]; then
    fail "missing:$missing_commands. Run this as root, or: apt-get install$missing_packages"
  fi
  install_packages
}

setup_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    fail 'Node.js and npm are needed to begin with (any version from 18: Debian 12 has them as "apt-get install nodejs npm")'
  fi
  stamp=node_modules/.setup-stamp
  wanted=$(cat package-lock.json .npmrc | cksum)
  if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    say 'installing npm packages (npm ci)'
    npm_log=$(mktemp)
    if ! timeout 600 npm ci --no-progress --loglevel=error >"$npm_log" 2>&1 </dev/null; then
      { head -n 20 "$npm_log"; echo ...; tail -n 5 "$npm_log"; } >&2
      rm -f "$npm_log"
      fail 'npm ci failed; see above'
    fi
    rm -f "$npm_log"
    check_node
    echo "$wanted" >"$stamp"
  fi
}

check_node() {
  version=$(node_modules/.bin/node --version 2>/dev/null) || version=none
  major=${version#v}
  major=${major%%.*}
  case $major in '' | *[!0-9]*) major=0 ;; esac
  [ "$major" -ge 24 ] || fail "node_modules/.bin/node is $version and 24 or newer is needed; remove node_modules and run make setup again"
}

# Debian's kernel with its modules, unpacked and not installed: this machine goes on starting its own.
setup_kernel() {
  [ -e .cache/kernel/root/.complete ] && return
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null || [ "$(dpkg --print-architecture)" != amd64 ]; then
    fail "missing: a kernel to emulate. It is Debian's (package linux-image-amd64), unpacked by apt-get and dpkg-deb on amd64"
  fi
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  meta=linux-image-amd64
  find_image() { image=$(apt-cache depends "$meta" 2>"$log" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1); }
  find_image
  [ -n "$image" ] || { update_lists; find_image; }
  [ -n "$image" ] || fail "no package $meta in apt's lists; it is Debian's"
  rm -rf .cache/kernel
  mkdir -p .cache/kernel
  say "downloading $image (70 MB) into .cache/kernel"
  (cd .cache/kernel && apt 600 download "$image") || { update_lists; (cd .cache/kernel && apt 600 download "$image"); } ||
    { tail -n 15 "$log" >&2; fail 'the download failed; see above'; }
  dpkg-deb -x .cache/kernel/*.deb .cache/kernel/root
  # Where everything is below /usr, modprobe still looks in /lib.
  [ -e .cache/kernel/root/lib ] || ln -s usr/lib .cache/kernel/root/lib
  PATH=$search depmod -b "$PWD/.cache/kernel/root" "$(ls .cache/kernel/root/lib/modules)"
  rm .cache/kernel/*.deb
  touch .cache/kernel/root/.complete
}

# Debian has Consul up to release 11. It is one program of its own, fetched with a sources list and lists of our own, and not
# installed. Tests say that they missed it where it cannot be had, so that this may fail.
setup_consul() {
  [ ! -x .cache/consul/consul ] || return 0
  if ! command -v consul >/dev/null && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    mirror=$(sed -n 's/^URIs: *\(http[^ ]*debian\) *$/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*debian\) .*/\2/p' \
      /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    if [ -z "$mirror" ] || [ ! -e "$keyring" ]; then return 1; fi
    rm -rf .cache/consul
    mkdir -p .cache/consul/lists/partial
    say 'downloading Consul of Debian 11 (25 MB) into .cache/consul'
    echo "deb [signed-by=$keyring] $mirror bullseye main" >.cache/consul/sources.list
    (
      cd .cache/consul
      own="-o Dir::Etc::sourcelist=$PWD/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$PWD/lists"
      own="$own -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
      # shellcheck disable=SC2086 # a list of words
      { timeout 240 apt-get -q $own update && timeout 240 apt-get -q $own download consul; } >log 2>&1 </dev/null &&
        dpkg-deb -x consul_*.deb root && cp root/usr/bin/consul consul.new
    ) || { rm -rf .cache/consul; return 1; }
    mv .cache/consul/consul.new .cache/consul/consul
    rm -rf .cache/consul/lists .cache/consul/root .cache/consul/*.deb
  fi
}

case ${1:-all} in
all)
  setup_system
  setup_node
  # Where it cannot be had, once a day is often enough to find that out.
  if [ -z "$(find .cache/consul.missed -mtime -1 2>/dev/null)" ] && ! setup_consul; then
    mkdir -p .cache
    touch .cache/consul.missed
    say 'Consul cannot be had here; its tests are skipped'
  fi
  ;;
consul)
  setup_consul || fail 'Consul cannot be had here: it is fetched from a mirror of Debian with release 11'
  ;;
node) setup_node ;;
kernel)
  needed="$needed qemu-system-x86_64:qemu-system-x86 depmod:kmod"
  setup_system
  setup_node
  setup_kernel
  ;;
*) fail "usage: tools/setup.sh [node | kernel | consul]" ;;
esac
