#!/bin/sh
# The first process of a laboratory machine: this host's files, read-only, below a writable layer
# in memory; then the init script that the kernel's command line names.
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev
for module in $($B cat /modules/order); do $B insmod "/modules/$module"; done
$B mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower ||
  $B poweroff -f
$B mkdir /layer
$B mount -t tmpfs -o mode=755 layer /layer
$B mkdir /layer/upper /layer/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work root /new ||
  $B poweroff -f
for directory in proc sys dev; do $B mount --move "/$directory" "/new/$directory"; done
$B mount -t tmpfs -o mode=755 tmpfs /new/run
exec $B switch_root /new $($B sed -n 's/.*lab.init=\([^ ]*\).*/\1/p' /new/proc/cmdline)
