#!/bin/sh
# Starts a program in the background of a lab host: own session, output appended to its log, pid noted.
# Arguments: program name, pid file, log file, command…
set -eu
NETLAB_PROGRAM=$1 pid_file=$2 log_file=$3
shift 3
export NETLAB_PROGRAM
mkdir -p "${pid_file%/*}"
cd /
# setsid becomes the program (it forks only for a group leader, which a background job is not): $! is its number.
setsid "$@" </dev/null >>"$log_file" 2>&1 &
echo $! >"$pid_file"
