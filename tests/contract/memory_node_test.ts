/** The node in memory keeps the contracts of the three node ports. */
import { MemoryFileSystems } from "../../src/adapters/memory/file_systems.ts";
import { HostWorld } from "../../src/adapters/memory/host_world.ts";
import type { ExportedDisk } from "../../src/adapters/memory/host_world.ts";
import { MemoryMounter } from "../../src/adapters/memory/mounter.ts";
import { MemoryNvmeHost } from "../../src/adapters/memory/nvme_host.ts";
import type { Nqn } from "../../src/domain/nvme.ts";
import { nqnOf } from "../../src/domain/nvme.ts";
import { DEFAULT_RECONNECT_POLICY } from "../../src/domain/reconnect_policy.ts";
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import { testFileSystemsContract } from "./file_systems.ts";
import { testMounterContract } from "./mounter.ts";
import type { NodeExtras, NodeHarness } from "./node_harness.ts";
import { testNvmeHostContract } from "./nvme_host.ts";

const DIRECTORY = "/var/lib/kubelet";

function openMemory(): Promise<NodeHarness & NodeExtras> {
  const world = new HostWorld();
  world.tree.makeDirectories(DIRECTORY);
  const diskOf = (nqn: Nqn): ExportedDisk => {
    const disk = world.disks.get(nqn);
    if (disk === undefined) throw new Error(`${nqn} is not exported`);
    return disk;
  };
  return Promise.resolve({
    host: new MemoryNvmeHost(world, "6a1f3c52-8f0e-4d5e-9d55-000000000001"),
    mounter: new MemoryMounter(world),
    fileSystems: new MemoryFileSystems(world),
    directory: DIRECTORY,
    exportDisk: (sizeBytes) => {
      const index = world.disks.size;
      const nqn = nqnOf(volumeIdForName(`disk-${index}`));
      const at = { address: "10.0.0.5", port: 44_200 + 2 * index };
      world.exportDisk({ nqn, at, sizeBytes });
      return Promise.resolve({ nqn, at, policy: DEFAULT_RECONNECT_POLICY });
    },
    resizeDisk: (nqn, sizeBytes) => {
      diskOf(nqn).sizeBytes = sizeBytes;
      return Promise.resolve();
    },
    partitionDisk: (nqn) => {
      diskOf(nqn).content = { kind: "other", what: "a partition table" };
      return Promise.resolve();
    },
    loseConnection: (nqn) => Promise.resolve(world.loseConnection(nqn)),
    replaceDevice: (nqn) => Promise.resolve(world.removeDevice(nqn)),
    writeFile: (...file) => Promise.resolve(world.writeFile(...file)),
    readFile: (...file) => Promise.resolve(world.readFile(...file)),
    makeDirectory: (path) => Promise.resolve(world.tree.makeDirectories(path)),
    stack: (nqn, path) => Promise.resolve(world.mountForeign(nqn, path)),
    hold: (nqn) => Promise.resolve(world.hold(nqn, true)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

testNvmeHostContract("memory", openMemory);
testMounterContract("memory", openMemory);
testFileSystemsContract("memory", openMemory);
