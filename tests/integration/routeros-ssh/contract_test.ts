/** The adapter over a simulated box keeps the contracts of both stores, whatever the box is like. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import { nqnOf } from "../../../src/domain/nvme.ts";
import type { SnapshotId } from "../../../src/domain/snapshot_id.ts";
import type { VolumeId } from "../../../src/domain/volume_id.ts";
import { GIB } from "../../../src/domain/capacity.ts";
import type { BoxOptions, CopyFromMode } from "../../../src/simulator/box/options.ts";
import { runLine } from "../../../src/simulator/language/console.ts";
import type { Simulator } from "../../../src/simulator/simulator.ts";
import { testSnapshotStoreContract } from "../../contract/snapshot_store.ts";
import type { ArraySetup, StoreHarness } from "../../contract/store_harness.ts";
import { testVolumeStoreContract } from "../../contract/volume_store.ts";
import { startRig } from "./rig.ts";

const BASE_PATH = "/storage-pool/metal-csi";
const TEXT_BYTES = 64;
const MODE_OF: Readonly<Record<NonNullable<ArraySetup["copies"]>, CopyFromMode>> = {
  "independent-cow": "independent-cow",
  "independent-full": "independent-full",
  "refused": "property-only",
};

/** Kinds of box: what nobody knows of the real one is tried both ways. */
const BOXES: Readonly<Record<string, Omit<BoxOptions, "directory">>> = {
  "7.24, slots up to 32": { version: "7.24.4", slotLimit: 32 },
  "7.21, slots of any length, other wordings": {
    version: "7.21.3",
    slotLimit: undefined,
    wordings: "alternate",
    fileCopy: "full",
  },
  "7.24, full copies, remove takes the file": {
    copyFrom: "independent-full",
    removeKeepsFile: false,
    slotTooLong: "truncate",
    wordings: "alternate",
  },
};

for (const [name, box] of Object.entries(BOXES)) {
  const openBox = (setup: ArraySetup): Promise<StoreHarness> => openHarness(box, setup);
  testVolumeStoreContract(`SSH (${name})`, openBox);
  testSnapshotStoreContract(`SSH (${name})`, openBox);
}

async function openHarness(
  box: Omit<BoxOptions, "directory">,
  { poolBytes = 1024 * GIB, ports, copies }: ArraySetup,
): Promise<StoreHarness> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "routeros-contract-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const copyFrom = copies === undefined ? {} : { copyFrom: MODE_OF[copies] };
  const rig = stack.use(
    await startRig({ directory, box: { ...box, ...copyFrom, poolSizeBytes: poolBytes } }, {
      basePath: BASE_PATH,
      minFreePercent: 1,
      snapshots: { strategy: "copy-from", whileAttached: "refuse" },
      ...(ports === undefined ? {} : { nvmePorts: ports }),
    }),
  );
  const neighbour = stack.use(rig.open({ name: "rds-1-of-b", clusterId: "c2" }));
  stack.defer(() => assert.deepEqual(rig.simulator.violations(), []));
  const resources = stack.move();
  return {
    volumes: rig.array.volumes,
    snapshots: rig.array.snapshots,
    basePath: BASE_PATH,
    content: {
      write: (id, text) => writeText(rig.simulator, id, text),
      read: (id) => readText(rig.simulator, id),
    },
    neighbour,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Writes where a node's writes would go: into the file behind the export. */
async function writeText({ box }: Simulator, id: VolumeId, text: string): Promise<void> {
  const path = box.exports().find(({ nqn }) => nqn === nqnOf(id))?.backingPath;
  assert.ok(path, `${id} is not exported`);
  const file = await open(path, "r+");
  await file.write(text.padEnd(TEXT_BYTES, "\0"), 0);
  await file.close();
}

/** Reads at the box's console. */
async function readText({ box }: Simulator, id: VolumeId | SnapshotId): Promise<string> {
  let printed = "";
  const file = `${BASE_PATH}/${id}.img`;
  const line = `:put ([/file/read file="${file}" chunk-size=${TEXT_BYTES} as-value]->"data")`;
  const session = { user: "admin", policies: new Set(["read"] as const), width: 80 };
  await runLine(line, box.tree, session, {
    print: (text) => printed += text,
    globals: new Map(),
    signal: new AbortController().signal,
  });
  return printed.replace(/\0*\n$/, "");
}
