/** A trial node beside the data directory of a simulated box, for tests. */
import { join } from "node:path";
import { openTrialHost } from "../../../src/adapters/trial-host/trial_host.ts";
import { nqnOf } from "../../../src/domain/nvme.ts";
import type { Nqn } from "../../../src/domain/nvme.ts";
import { DEFAULT_RECONNECT_POLICY } from "../../../src/domain/reconnect_policy.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import { claimDirectory, DirectoryJournal } from "../../../src/simulator/box/journal.ts";
import type { StateChange } from "../../../src/simulator/box/journal.ts";
import type { NvmeTarget } from "../../../src/ports/nvme_host.ts";
import type { NodeHarness } from "../../contract/node_harness.ts";

const PORT = 44_200;

/** The part of a simulated box that a trial node sees; its own journal writes the state. */
export class TestBox {
  readonly directory: string;
  readonly #disks = new Map<Nqn, { readonly record: unknown; readonly path: string }>();
  readonly #journal: DirectoryJournal;

  constructor(directory: string) {
    this.directory = directory;
    claimDirectory(directory);
    this.#journal = new DirectoryJournal(directory, 0, [["setting", "version", "7.21"]]);
  }

  /** How many disks were ever exported. */
  get count(): number {
    return this.#disks.size;
  }

  async exportDisk(
    sizeBytes: number,
    configured: Readonly<Record<string, unknown>> = {},
    namespaceUuid = "",
  ): Promise<NvmeTarget> {
    const id = volumeIdForName(`disk-${this.count}`);
    const port = PORT + 2 * this.count;
    const nqn = nqnOf(id);
    const path = join(this.directory, "files", `${id}.img`);
    await Deno.mkdir(join(this.directory, "files"), { recursive: true });
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, sizeBytes);
    const record = {
      id: `*${this.count}`,
      configured: {
        "slot": id,
        "nvme-tcp-export": true,
        "nvme-tcp-server-nqn": nqn,
        "nvme-tcp-server-port": port,
        ...configured,
      },
      facts: {},
      backing: `files/${id}.img`,
      sizeBytes,
      identity: { namespaceUuid, serial: "" },
    };
    this.#disks.set(nqn, { record, path });
    this.#append(["disk", nqn, record]);
    return { nqn, at: { address: "127.0.0.1", port }, policy: DEFAULT_RECONNECT_POLICY };
  }

  /** The file with a disk's bytes. */
  pathOf(nqn: Nqn): string {
    return this.#disk(nqn).path;
  }

  withdraw(nqn: Nqn): void {
    this.#append(["disk", nqn]);
  }

  exportAgain(nqn: Nqn): void {
    this.#append(["disk", nqn, this.#disk(nqn).record]);
  }

  close(): void {
    this.#journal.close();
  }

  #append(change: StateChange): void {
    this.#journal.append(change, () => []);
  }

  #disk(nqn: Nqn): { readonly record: unknown; readonly path: string } {
    const disk = this.#disks.get(nqn);
    if (disk === undefined) throw new Error(`${nqn} is not exported`);
    return disk;
  }
}

/** Everything a test of a trial node works with. */
export interface TrialNode extends NodeHarness {
  readonly box: TestBox;
  readonly stateDirectory: string;
}

/** Opens a trial node on a fresh box, all below one temporary directory. */
export async function openTrialNode(): Promise<TrialNode> {
  const root = await Deno.makeTempDir({ prefix: "trial-node-" });
  const box = new TestBox(join(root, "box"));
  const stateDirectory = join(root, "node-state");
  const directory = join(root, "pods");
  await Deno.mkdir(directory);
  return {
    ...await openTrialHost(box.directory, stateDirectory),
    box,
    stateDirectory,
    directory,
    exportDisk: (sizeBytes) => box.exportDisk(sizeBytes),
    resizeDisk: (nqn, sizeBytes) => Deno.truncate(box.pathOf(nqn), sizeBytes),
    partitionDisk: (nqn) => writeBytes(box.pathOf(nqn), 510, [0x55, 0xaa]),
    loseConnection: (nqn) => Promise.resolve(box.withdraw(nqn)),
    replaceDevice: async (nqn) => {
      const path = box.pathOf(nqn);
      const args = ["--sparse=always", "--", path, `${path}.copy`];
      await new Deno.Command("cp", { args }).output();
      await Deno.rename(`${path}.copy`, path);
    },
    writeFile: async (parent, name, text) => {
      await Deno.mkdir(parent, { recursive: true });
      await Deno.writeTextFile(join(parent, name), text);
    },
    readFile: async (parent, name) => {
      try {
        return await Deno.readTextFile(join(parent, name));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
    makeDirectory: (path) => Deno.mkdir(path),
    [Symbol.asyncDispose]: async () => {
      box.close();
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** Writes bytes into a file at a place. */
export async function writeBytes(
  path: string,
  offset: number,
  bytes: readonly number[],
): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(Uint8Array.from(bytes));
}

/** The names in a directory, in no order. */
export async function namesIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(directory)) names.push(name);
  return names;
}
