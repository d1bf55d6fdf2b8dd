/**
 * An NVMe/TCP target in the kernel of this machine, for a host in the same kernel: each disk is a
 * sparse file below a loop device of 512-byte sectors, with a TCP port of its own. Only for
 * machines of the laboratory.
 */
import { join } from "node:path";
import { nqnOf } from "../../../src/domain/nvme.ts";
import type { Nqn } from "../../../src/domain/nvme.ts";
import { reconnectPolicyOf } from "../../../src/domain/reconnect_policy.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import type { NvmeTarget } from "../../../src/ports/nvme_host.ts";
import { run, until } from "./commands.ts";

const NVMET = "/sys/kernel/config/nvmet";
/** Of this machine alone: it is on the loopback interface. */
const ADDRESS = "10.99.0.1";
const FIRST_PORT = 44_200;
/** Two numbers for each disk: nothing listens on the second one. */
const PORTS_PER_DISK = 2;
const UNLINK_MS = 10_000;

/** A disk of the target. */
interface Disk {
  readonly target: NvmeTarget;
  readonly file: string;
  readonly loop: string;
  readonly uuid: string;
}

/** How many disks this process has exported: names and ports are never used twice. */
let count = 0;

/** The target; disposing takes its disks down. */
export class KernelTarget implements AsyncDisposable {
  readonly #directory: string;
  readonly #disks = new Map<Nqn, Disk>();

  /** @param directory an existing one, for the disks' files */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Loads the kernel's modules and makes the address. Safe to repeat. */
  static async prepare(): Promise<void> {
    await run(
      "modprobe",
      "-a",
      "configfs",
      "nvmet-tcp",
      "nvme-tcp",
      "loop",
      "ext4",
      "xfs",
      "btrfs",
    );
    const mounts = await Deno.readTextFile("/proc/self/mounts");
    if (!mounts.includes(" /sys/kernel/config ")) {
      await run("mount", "-t", "configfs", "configfs", "/sys/kernel/config");
    }
    await run("ip", "address", "replace", `${ADDRESS}/32`, "dev", "lo");
  }

  /** The file that holds a disk's bytes. */
  fileOf(nqn: Nqn): string {
    return this.#diskOf(nqn).file;
  }

  async exportDisk(sizeBytes: number): Promise<NvmeTarget> {
    const number = count++;
    const nqn = nqnOf(volumeIdForName(`contract-${number}`));
    const port = FIRST_PORT + PORTS_PER_DISK * number;
    const file = join(this.#directory, `disk-${number}`);
    await Deno.writeFile(file, new Uint8Array());
    await Deno.truncate(file, sizeBytes);
    const loop = await run("losetup", "--find", "--show", "--sector-size=512", file);
    const policy = reconnectPolicyOf({ reconnectDelay: 1, keepAliveTmo: 5, nrIoQueues: 1 });
    const target = { nqn, at: { address: ADDRESS, port }, policy };
    const disk = { target, file, loop, uuid: crypto.randomUUID() };
    this.#disks.set(nqn, disk);
    await makeSubsystem(disk);
    await makePort(disk);
    return target;
  }

  async resizeDisk(nqn: Nqn, sizeBytes: number): Promise<void> {
    const { file, loop } = this.#diskOf(nqn);
    await Deno.truncate(file, sizeBytes);
    await run("losetup", "--set-capacity", loop);
    await Deno.writeTextFile(`${namespaceOf(nqn)}/revalidate_size`, "1");
  }

  /** Closes the disk's port, and with it every connection to the disk. */
  async close(nqn: Nqn): Promise<void> {
    await this.#unlink(this.#diskOf(nqn));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const disk of this.#disks.values()) {
      const { nqn, at } = disk.target;
      await this.#unlink(disk);
      await Deno.remove(`${NVMET}/ports/${at.port}`);
      await Deno.writeTextFile(`${namespaceOf(nqn)}/enable`, "0");
      await Deno.remove(namespaceOf(nqn));
      await Deno.remove(`${NVMET}/subsystems/${nqn}`);
      await run("losetup", "--detach", disk.loop);
      await Deno.remove(disk.file);
    }
  }

  async #unlink({ target: { nqn, at } }: Disk): Promise<void> {
    const link = `${NVMET}/ports/${at.port}/subsystems/${nqn}`;
    await Deno.remove(link).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    await until(`port ${at.port} closed`, UNLINK_MS, async () => {
      const connection = await Deno.connect({ hostname: ADDRESS, port: at.port }).catch(() => null);
      connection?.close();
      return connection === null;
    });
  }

  #diskOf(nqn: Nqn): Disk {
    const disk = this.#disks.get(nqn);
    if (disk === undefined) throw new Error(`Cannot find disk ${nqn}: it was not exported`);
    return disk;
  }
}

function namespaceOf(nqn: Nqn): string {
  return `${NVMET}/subsystems/${nqn}/namespaces/1`;
}

async function makeSubsystem({ target: { nqn }, loop, uuid }: Disk): Promise<void> {
  const path = `${NVMET}/subsystems/${nqn}`;
  await Deno.mkdir(path);
  await Deno.writeTextFile(`${path}/attr_allow_any_host`, "1");
  await Deno.mkdir(namespaceOf(nqn));
  for (
    const [name, value] of [
      ["device_path", loop],
      ["device_uuid", uuid],
      ["device_nguid", uuid],
      ["enable", "1"],
    ]
  ) await Deno.writeTextFile(`${namespaceOf(nqn)}/${name}`, value ?? "");
}

async function makePort({ target: { nqn, at } }: Disk): Promise<void> {
  const path = `${NVMET}/ports/${at.port}`;
  await Deno.mkdir(path);
  for (
    const [name, value] of [
      ["trtype", "tcp"],
      ["adrfam", "ipv4"],
      ["traddr", at.address],
      ["trsvcid", String(at.port)],
    ]
  ) await Deno.writeTextFile(`${path}/addr_${name}`, value ?? "");
  await Deno.symlink(`${NVMET}/subsystems/${nqn}`, `${path}/subsystems/${nqn}`);
}
