/** What a person with a shell on the box's kernel does: configfs, cables, space. */
import assert from "node:assert/strict";
import type { Fault } from "../../src/simulator/faults.ts";
import type { LabBox, LabNode } from "./scenario.ts";
import type { LabVolume } from "./volume.ts";

const NVMET = "/sys/kernel/config/nvmet";

/** Queues a fault in the simulator. */
export async function addFault(box: LabBox, fault: Fault): Promise<void> {
  await box.control({ add: fault });
}

/** Takes all exports down for so long, and brings them back as a boot does. */
export async function restartTarget(box: LabBox, seconds: number): Promise<void> {
  await box.control({ reboot: { seconds } });
}

/** The slot of a volume's disk on the box: its id, or a short name where slots are short. */
export async function slotOfVolume({ lab, nqn }: LabVolume): Promise<string> {
  const found = `[/disk/find where nvme-tcp-server-nqn="${nqn}"]`;
  const slot = (await lab.box.console(`:put [/disk/get ${found} slot]`)).trim();
  assert.match(slot, /^[a-z0-9-]+$/, `no slot for ${nqn}`);
  return slot;
}

/**
 * Puts another device under a volume's export that nobody uses yet, with the same identity: one
 * whose sectors from `firstSector` on cannot be read. Gives the number of sectors written to it.
 */
export async function exportBadDevice(
  box: LabBox,
  volume: LabVolume,
  badSectors: string,
): Promise<{ readonly writtenSectors: () => Promise<number> }> {
  const mebibytes = volume.capacityBytes / (1024n * 1024n);
  const device = "/sys/kernel/config/nullb/rds_bad";
  await box.machine.run(`
    modprobe null_blk nr_devices=0 && mkdir ${device} && cd ${device} || exit 1
    echo ${mebibytes} >size; echo 512 >blocksize; echo 1 >memory_backed
    echo ${badSectors} >badblocks; echo 1 >power
    cd ${NVMET}/subsystems/${volume.nqn}/namespaces/1 || exit 1
    read -r index <${device}/index
    for name in rds_bad nullb$index; do [ -b /dev/$name ] && break; done
    echo 0 >enable; echo /dev/$name >device_path && echo 1 >enable`);
  return {
    writtenSectors: async () => {
      const script = `read -r index <${device}/index
        for name in rds_bad nullb$index; do [ -d /sys/block/$name ] && cat /sys/block/$name/stat; done`;
      const stat = await box.machine.run(`${script}; true`);
      return Number(stat.trim().split(/\s+/)[6]);
    },
  };
}

/** Takes the device of {@link exportBadDevice} away; its volume must be deleted. */
export async function removeBadDevice(box: LabBox): Promise<void> {
  const device = "/sys/kernel/config/nullb/rds_bad";
  await box.machine.run(`echo 0 >${device}/power; rmdir ${device}`);
}

/** Fills the file system that holds the box's pool; gives what makes the space free again. */
export async function fillPool(box: LabBox, poolPath: string): Promise<() => Promise<void>> {
  const filler = `${poolPath}/filler`;
  await box.machine.run(
    `free=$(df --output=avail -B1M ${poolPath} | tail -1)
     for size in $free $((free - 16)) $((free - 64)) 64 16 4 1; do
       fallocate -l \${size}M ${filler}.$size 2>/dev/null || rm -f ${filler}.$size
     done
     while dd if=/dev/zero of=${filler}.rest bs=64k count=16 oflag=append conv=notrunc,fsync \\
       status=none 2>/dev/null; do :; done; sync -f ${poolPath}; true`,
    { deadlineMs: 180_000 },
  );
  return async () => {
    await box.machine.run(`rm -f ${filler}.*; sync -f ${poolPath}`);
  };
}

/** Opens a TCP port on the box that takes connections and never says a word. */
export async function openSilentPort(box: LabBox, port: number): Promise<() => Promise<void>> {
  const pid = await box.machine.start(
    `exec socat -u TCP-LISTEN:${port},fork,reuseaddr OPEN:/dev/null,append`,
    "/lab/silent_port.log",
  );
  await box.machine.run(`until ss -ltn | grep -q ":${port} "; do sleep 0.1; done`);
  return async () => {
    await box.machine.exec(`kill -- -${pid}`);
  };
}

/** How often the node's kernel lost and sought a connection since its boot. */
export async function reconnectsOf(node: LabNode): Promise<number> {
  const pattern = "Reconnecting in|starting error recovery|failed nvme_keep_alive";
  return Number(await node.machine.run(`dmesg | grep -cE '${pattern}'; true`));
}

/** Makes the node's cable into the segment a bad one. */
export async function spoilLink(node: LabNode, netem: string): Promise<() => Promise<void>> {
  await node.machine.run(
    `modprobe sch_netem; tc qdisc add dev eth0 root netem ${netem}`,
  );
  return async () => {
    await node.machine.run("tc qdisc del dev eth0 root");
  };
}
