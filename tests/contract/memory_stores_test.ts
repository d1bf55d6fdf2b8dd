/** The array in memory keeps the contracts of both stores. */
import { MemoryRds } from "../../src/adapters/memory/rds.ts";
import type { CopyProof } from "../../src/domain/snapshot.ts";
import { testSnapshotStoreContract } from "./snapshot_store.ts";
import type { ArraySetup, StoreHarness } from "./store_harness.ts";
import { testVolumeStoreContract } from "./volume_store.ts";

const BASE_PATH = "/storage-pool/metal-csi";

function openMemory({ copies, ...traits }: ArraySetup): Promise<StoreHarness> {
  const rds = new MemoryRds({
    ...traits,
    ...(copies === undefined ? {} : { copies: proofOf(copies) }),
    basePaths: [BASE_PATH],
  });
  const [volumes, snapshots] = rds.storesOf("cluster-b");
  return Promise.resolve({
    volumes: rds.volumes,
    snapshots: rds.snapshots,
    basePath: BASE_PATH,
    content: {
      write: (id, text) => Promise.resolve(rds.write(id, text)),
      read: (id) => Promise.resolve(rds.read(id)),
    },
    neighbour: { volumes, snapshots },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

function proofOf(result: CopyProof["result"]): CopyProof {
  return result === "refused" ? { result, reason: "copies are links" } : { result };
}

testVolumeStoreContract("memory", openMemory);
testSnapshotStoreContract("memory", openMemory);
