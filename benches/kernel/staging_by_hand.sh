#!/bin/bash
# The steps of a stage and an unstage as a person makes them with nvme-cli and mount, timed. Prints
# one line for each cycle: tenths of a millisecond of connect, device, probe, check, mount, umount,
# unused, disconnect. Before the unmount everything is written out, for what cannot be written is told
# nowhere else; before the end of the connection every process is asked whether it has the device,
# for what such a program wrote would be lost.
# Arguments: address, port, NQN, host NQN, host id, mount point, cycles. The volume holds ext4.
set -euo pipefail
address=$1 port=$2 nqn=$3 hostnqn=$4 hostid=$5 path=$6 cycles=$7
if ! command -v fuser >/dev/null; then
  echo "Cannot measure unstaging by hand: fuser is missing (package psmisc)" >&2
  exit 1
fi
mkdir -p "$path"
now() { echo $((${EPOCHREALTIME/./} / 100)); } # tenths of a millisecond
head_of() {
  local subsystem name head
  for subsystem in /sys/class/nvme-subsystem/*; do
    read -r name <"$subsystem/subsysnqn" || continue
    [ "$name" = "$nqn" ] || continue
    for head in "$subsystem"/nvme*n*; do
      case ${head##*/} in *c*n*) continue ;; esac
      [ -e "$head/dev" ] && [ -b "/dev/${head##*/}" ] && echo "/dev/${head##*/}" && return
    done
  done
  return 1
}
for _ in $(seq "$cycles"); do
  t0=$(now)
  nvme connect --transport=tcp --traddr="$address" --trsvcid="$port" --nqn="$nqn" \
    --hostnqn="$hostnqn" --hostid="$hostid" --keep-alive-tmo=10 --reconnect-delay=5 \
    --ctrl-loss-tmo=-1 --nr-io-queues=1 >/dev/null
  t1=$(now)
  until device=$(head_of); do :; done
  t2=$(now)
  blkid -p "$device" >/dev/null
  t3=$(now)
  e2fsck -p "$device" >/dev/null
  t4=$(now)
  mount -t ext4 "$device" "$path"
  t5=$(now)
  sync -f "$path"
  umount "$path"
  t6=$(now)
  if fuser -s "$device"; then exit 1; fi
  t7=$(now)
  nvme disconnect --nqn="$nqn" >/dev/null
  t8=$(now)
  echo $((t1 - t0)) $((t2 - t1)) $((t3 - t2)) $((t4 - t3)) $((t5 - t4)) $((t6 - t5)) $((t7 - t6)) \
    $((t8 - t7))
done
