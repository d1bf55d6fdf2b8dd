#!/bin/bash
# Connects a node to what box_by_hand.sh exports; prints the device, for example /dev/nvme0n1.
set -e
modprobe -a nvme-tcp ext4
host=aaaaaaaa-0000-4000-8000-$(printf '%012d' "$(hostname | tr -dc 0-9)")
exec 3<>/dev/nvme-fabrics
printf %s "transport=tcp,traddr=10.77.0.1,trsvcid=4501,\
nqn=nqn.2000-02.com.mikrotik:by-hand,\
hostnqn=nqn.2014-08.org.nvmexpress:uuid:$host,hostid=$host,\
keep_alive_tmo=5,reconnect_delay=2,ctrl_loss_tmo=-1,nr_io_queues=1" >&3
head -1 <&3 >&2
for _ in $(seq 100); do
  for head in /sys/class/nvme-subsystem/*/nvme*n*; do
    [ -e "$head" ] && [ -e "/dev/${head##*/}" ] && echo "/dev/${head##*/}" && exit 0
  done
  sleep 0.1
done
echo "no device within 10 s" >&2
exit 1
