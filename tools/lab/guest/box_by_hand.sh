#!/bin/bash
# A box without the simulator: one file on Btrfs, exported by the kernel's own target.
set -e
modprobe -a configfs nvmet-tcp btrfs loop
mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
mkdir -p /data
mountpoint -q /data || mount /dev/vda /data
[ -e /data/volume1 ] || truncate -s 512M /data/volume1

target=/sys/kernel/config/nvmet
subsystem=$target/subsystems/nqn.2000-02.com.mikrotik:by-hand
mkdir "$subsystem"
echo 1 >"$subsystem/attr_allow_any_host"
mkdir "$subsystem/namespaces/1"
cd "$subsystem/namespaces/1"
echo /data/volume1 >device_path
echo 11111111-2222-4333-8444-555555555501 >device_uuid
echo 1 >enable
mkdir "$target/ports/1"
cd "$target/ports/1"
echo tcp >addr_trtype
echo ipv4 >addr_adrfam
echo 10.77.0.1 >addr_traddr
echo 4501 >addr_trsvcid
ln -s "$subsystem" subsystems/
