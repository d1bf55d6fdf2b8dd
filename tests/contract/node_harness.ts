/** What the contract suites of the node ports need of a node, and how they run their clauses. */
import assert from "node:assert/strict";
import type { FileSystemType } from "../../src/domain/access.ts";
import type { BlockDevice } from "../../src/domain/block_device.ts";
import { StorageError } from "../../src/domain/errors.ts";
import type { StorageErrorCode } from "../../src/domain/errors.ts";
import type { Nqn } from "../../src/domain/nvme.ts";
import type { FsckPolicy } from "../../src/domain/volume_parameters.ts";
import type { FileSystems } from "../../src/ports/file_systems.ts";
import type { Mounter } from "../../src/ports/mounter.ts";
import type { NvmeHost, NvmeTarget } from "../../src/ports/nvme_host.ts";

/** One node and the array it reaches, with the ports over them. Disposing removes everything. */
export interface NodeHarness extends AsyncDisposable {
  readonly host: NvmeHost;
  readonly mounter: Mounter;
  readonly fileSystems: FileSystems;
  /** An existing, empty directory of the node. */
  readonly directory: string;
  /** Exports one more blank disk from the array. */
  exportDisk(sizeBytes: number): Promise<NvmeTarget>;
  /** Gives an exported disk another size. */
  resizeDisk(nqn: Nqn, sizeBytes: number): Promise<void>;
  /** Puts a partition table, and no file system, on an exported disk. */
  partitionDisk(nqn: Nqn): Promise<void>;
  /** The array stops answering for the disk; what the node has stays. */
  loseConnection(nqn: Nqn): Promise<void>;
  /** The disk goes, and the node's device with it. The array exports the same bytes again. */
  replaceDevice(nqn: Nqn): Promise<void>;
  /** Writes a text file where a program would. */
  writeFile(directory: string, name: string, text: string): Promise<void>;
  /** The text of a file, or undefined when there is no such file. */
  readFile(directory: string, name: string): Promise<string | undefined>;
  /** Makes an empty directory. */
  makeDirectory(path: string): Promise<void>;
}

/** What not every harness can do; a clause that needs it is skipped with the reason. */
export type NodeNeed = "stack" | "hold" | "grow-mounted-ext";

/** What some harnesses can do beyond {@link NodeHarness}. */
export interface NodeExtras {
  /** Mounts the device once more on top of what is at `path`. */
  stack?(nqn: Nqn, path: string): Promise<void>;
  /** Lets something hold the device without a mount. */
  hold?(nqn: Nqn): Promise<void>;
}

/** One sentence of a contract. It may use the ports only. */
export interface NodeClause {
  readonly name: string;
  readonly needs?: NodeNeed;
  check(harness: NodeHarness & NodeExtras): Promise<void>;
}

/** A signal that never aborts. */
export const FOREVER: AbortSignal = new AbortController().signal;
/** A size that every file system fits on. */
export const DISK_BYTES: number = 1024 ** 3;

/**
 * Runs clauses over a node as tests.
 * @param missing what the harness cannot do, each with the reason
 */
export function testNodeClauses(
  suite: string,
  clauses: readonly NodeClause[],
  open: () => Promise<NodeHarness & NodeExtras>,
  missing: Readonly<Partial<Record<NodeNeed, string>>> = {},
): void {
  for (const { name, needs, check } of clauses) {
    const reason = needs === undefined ? undefined : missing[needs];
    Deno.test({
      name: `${suite}: ${name}${reason === undefined ? "" : ` (not here: ${reason})`}`,
      ignore: reason !== undefined,
      fn: async () => {
        await using harness = await open();
        await check(harness);
      },
    });
  }
}

/** Asserts that `call` fails with one of `codes`. */
export async function assertFails(
  call: Promise<unknown>,
  ...codes: readonly StorageErrorCode[]
): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert(error instanceof StorageError, `not a StorageError: ${error}`);
    assert(codes.includes(error.code), `${error.code}: ${error.message}`);
    assert.match(error.message, /^Cannot .+: .+/);
    return true;
  });
}

/** A disk that is exported and connected. */
export async function connectDisk(
  harness: NodeHarness,
): Promise<{ readonly nqn: Nqn; readonly target: NvmeTarget; readonly device: BlockDevice }> {
  const target = await harness.exportDisk(DISK_BYTES);
  const device = await harness.host.connect(target, FOREVER);
  return { nqn: target.nqn, target, device };
}

/** Checks what a device holds, as a stage does. */
export async function checkDisk(
  fileSystems: FileSystems,
  device: BlockDevice,
  policy: FsckPolicy,
): Promise<void> {
  const found = await fileSystems.identify(device, FOREVER);
  assert(found.kind === "file-system");
  await fileSystems.check(device, found, policy, FOREVER);
}

/** A disk that is formatted and mounted. */
export async function mountDisk(
  harness: NodeHarness,
  name: string,
  { fileSystem = "ext4", isReadOnly = false, options = [] }: {
    fileSystem?: FileSystemType;
    isReadOnly?: boolean;
    options?: readonly string[];
  } = {},
): Promise<Awaited<ReturnType<typeof connectDisk>> & { readonly path: string }> {
  const disk = await connectDisk(harness);
  const path = `${harness.directory}/${name}`;
  const { device } = disk;
  await harness.fileSystems.format(device, fileSystem, [], FOREVER);
  await harness.mounter.mount({ device, path, fileSystem, options, isReadOnly }, FOREVER);
  return { ...disk, path };
}
