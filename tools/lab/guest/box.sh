#!/bin/bash
# Makes a machine a box: the pool on its disk, and the kernel's NVMe target.
# Arguments: the simulator's control socket, and the TCP port by which the host reaches it.
set -e
modprobe -a configfs nvmet-tcp btrfs loop
mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
mkdir -p /data
mount /dev/vda /data
setsid socat "TCP-LISTEN:$2,fork,reuseaddr,backlog=128" "UNIX-CONNECT:$1" </dev/null >/dev/null 2>&1 &
