/**
 * The store contracts over a box of your choice, a real one above all. Opt-in, because it makes and
 * deletes volumes there: it runs when the environment says where the box is (CONTRIBUTING.md).
 *
 * Everything it makes carries a cluster id of its own and is deleted after each clause; what does
 * not carry that id is never touched.
 */
import { readFile } from "node:fs/promises";
import { env } from "node:process";
import { openRouterOsArray } from "../../src/adapters/routeros-ssh/array.ts";
import type { RouterOsArray } from "../../src/adapters/routeros-ssh/array.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import { testSnapshotStoreContract } from "../contract/snapshot_store.ts";
import type { ArraySetup, Need, StoreHarness } from "../contract/store_harness.ts";
import { testVolumeStoreContract } from "../contract/volume_store.ts";

/** The variables that say where the box is; all are needed. */
const VARIABLES = [
  "RDS_CSI_E2E_ADDRESS",
  "RDS_CSI_E2E_PORT",
  "RDS_CSI_E2E_USER",
  "RDS_CSI_E2E_KEY_FILE",
  "RDS_CSI_E2E_HOST_KEY",
  "RDS_CSI_E2E_BASE_PATH",
] as const;

const MISSING: Partial<Record<Need, string>> = {
  poolBytes: "the pool of a real box has the size it has",
  copies: "a real box copies the way it copies",
  content: "no node here writes to the volumes of a real box",
};

const MINUTE_MS = 60_000;

const unset = VARIABLES.filter((name) => (env[name] ?? "") === "");
if (unset.length === 0) {
  testVolumeStoreContract("real box", openHarness, MISSING);
  testSnapshotStoreContract("real box", openHarness, MISSING);
} else {
  Deno.test({
    name: `the contracts over a real box [skipped: ${unset.join(", ")} not set]`,
    ignore: true,
    fn: () => {},
  });
}

async function openHarness(setup: ArraySetup): Promise<StoreHarness> {
  const suffix = Math.floor(Math.random() * 36 ** 5).toString(36).padStart(5, "0");
  const mine = await openArray(`e2e-${suffix}`, setup);
  const theirs = await openArray(`e2e-${suffix}-b`, setup);
  return {
    volumes: mine.volumes,
    snapshots: mine.snapshots,
    basePath: variable("RDS_CSI_E2E_BASE_PATH"),
    neighbour: theirs,
    [Symbol.asyncDispose]: async () => {
      for (const array of [mine, theirs]) {
        await deleteAll(array);
        await array[Symbol.asyncDispose]();
      }
    },
  };
}

async function openArray(clusterId: string, { ports }: ArraySetup): Promise<RouterOsArray> {
  return openRouterOsArray({
    name: "real",
    address: variable("RDS_CSI_E2E_ADDRESS"),
    port: Number(variable("RDS_CSI_E2E_PORT")),
    user: variable("RDS_CSI_E2E_USER"),
    privateKey: { text: await readFile(variable("RDS_CSI_E2E_KEY_FILE"), "utf8") },
    hostKeys: [variable("RDS_CSI_E2E_HOST_KEY")],
    clusterId,
    basePath: variable("RDS_CSI_E2E_BASE_PATH"),
    nvmePorts: ports ?? { first: 44_200, last: 48_295 },
    minFreePercent: 1,
    snapshots: { strategy: "auto", whileAttached: "refuse" },
    observe: () => {},
    clock: systemClock,
    random: systemRandom,
  });
}

/** Deletes what the clause left; what is published is unpublished first. */
async function deleteAll({ volumes, snapshots }: RouterOsArray): Promise<void> {
  const signal = AbortSignal.timeout(5 * MINUTE_MS);
  for (const { id } of await snapshots.list(signal)) await snapshots.delete(id, signal);
  for (const volume of await volumes.list(signal)) {
    if (volume.publications.length > 0) await volumes.amend(volume, { publications: [] }, signal);
    await volumes.delete(volume.id, signal);
  }
}

function variable(name: (typeof VARIABLES)[number]): string {
  return env[name] ?? "";
}
