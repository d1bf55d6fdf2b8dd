#!/bin/bash
# Makes a machine a node: what an operating system does before the driver's container starts.
# Arguments: the driver's socket, and the TCP port by which the host reaches it.
set -e
modprobe -a nvme-tcp ext4 xfs btrfs loop
mount --make-rshared /
# What outlives a boot of a real node is on its disk.
mkdir -p /var/lib/rds-csi "$(dirname "$1")"
mount /dev/vda /var/lib/rds-csi
setsid socat "TCP-LISTEN:$2,fork,reuseaddr,backlog=128" "UNIX-CONNECT:$1" </dev/null >/dev/null 2>&1 &
