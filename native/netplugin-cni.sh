#!/bin/sh
# netplugin-cni where there was no compiler: the same as netplugin-cni.c, and slower. Needs socat.
socket=${NETPLUGIN_CNI_SOCKET:-/run/netplugin/cni.sock}
config=$(cat)

fail() { # code, message
  version=$(printf '%s' "$config" | tr -d '\n' | sed -n 's/.*"cniVersion" *: *"\([0-9.]*\)".*/\1/p')
  printf '{"cniVersion":"%s","code":%s,"msg":"%s"}\n' "${version:-1.0.0}" "$1" "$2"
  exit 1
}

PATH=$PATH:/usr/local/bin:/usr/bin:/bin
command -v socat >/dev/null || fail 5 'netplugin-cni is a script here and needs socat: install it, or the compiled netplugin-cni'
[ -S "$socket" ] || fail 11 'netplugin does not run on this host: start it, then try again'
answer=$(
  {
    printf 'CNI1\0NETPLUGIN_DEADLINE_MS=60000\0'
    for name in CNI_COMMAND CNI_CONTAINERID CNI_NETNS CNI_IFNAME CNI_ARGS CNI_PATH; do
      eval "[ -n \"\${$name+set}\" ]" && eval "printf '%s=%s\\0' $name \"\$$name\""
    done
    printf '\0%s\0' "$config"
  } | socat -t 65 - "UNIX-CONNECT:$socket,shut-none" 2>/dev/null
)
case $answer in
'0
'*) printf '%s\n' "${answer#0?}" ;;
0) ;;
'1
'*) printf '%s\n' "${answer#1?}"; exit 1 ;;
*) fail 11 'netplugin does not run on this host, or ended while it worked on this call: try again' ;;
esac
