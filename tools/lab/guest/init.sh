#!/bin/bash
# Process 1 of a laboratory machine. The kernel's command line says who it is (lab.*).
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
argument() { tr ' ' '\n' </proc/cmdline | sed -n "s/^lab\.$1=//p"; }
here=$(dirname "$(argument init)")

mkdir -p /dev/pts /dev/shm /lab /lib/modules
mount -t devpts devpts /dev/pts
ln -s /proc/self/fd /dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${number%:*}" "/dev/${number#*:}"; done
mount -t tmpfs tmpfs /dev/shm
mount --bind "$(argument modules)" /lib/modules
# What is written below /lab is on the host at once, and stays there.
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none out /lab
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
# Which machine this is must not come from the host that all share.
argument machine-id >/run/machine-id
mount --bind /run/machine-id /etc/machine-id
hostname "$(argument name)"
# Nor who it is to an NVMe target.
rm -rf /etc/nvme

ip link set lo up
sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip addr add "$(argument address)/24" dev eth0
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth1
ip link set eth1 up

setsid socat TCP-LISTEN:7000,fork,reuseaddr,backlog=128 EXEC:"/bin/bash $here/command.sh" </dev/null >/dev/null 2>&1 &
setsid socat TCP-LISTEN:7003,fork,reuseaddr,backlog=128 \
  EXEC:"/bin/bash -i",pty,stderr,setsid,sane </dev/null >/dev/null 2>&1 &
echo "laboratory machine $(argument name) is up: $(uname -r)"
# Process 1 inherits what its children leave behind: wait for it, for ever.
while :; do
  sleep 3600 &
  wait $!
done
