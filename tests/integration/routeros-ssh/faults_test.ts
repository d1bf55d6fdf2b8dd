/**
 * Every way a link or a box can fail, at every command: the call answers right or `unavailable`, the
 * retry converges, and in the end nothing is left on the box.
 */
import assert from "node:assert/strict";
import { GIB } from "../../../src/domain/capacity.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { snapshotIdOf } from "../../../src/domain/snapshot_id.ts";
import type { CommandFault } from "../../../src/simulator/faults.ts";
import { aNewSnapshot, aNewVolume, aPublication } from "../../builders/stores.ts";
import { START_MS } from "../../fakes/manual_clock.ts";
import { assertEmpty } from "./console_client.ts";
import { soon, startRig } from "./rig.ts";
import type { Rig } from "./rig.ts";

const BASE = "storage-pool/k8s/csi";
const ORIGIN = aNewVolume("origin");
const SNAPSHOT = snapshotIdOf(ORIGIN.id, START_MS / 1000);

/** One call on each method, in an order that makes each of them possible. */
const CALLS: Readonly<Record<string, (rig: Rig) => Promise<unknown>>> = {
  "create": ({ array }) => array.volumes.create(ORIGIN, soon()),
  "find": ({ array }) => array.volumes.find(ORIGIN.id, soon()),
  "publish": async ({ array: { volumes } }) => {
    const volume = await volumes.find(ORIGIN.id, soon());
    assert.ok(volume);
    if (volume.publications.length === 0) {
      await volumes.amend(volume, { publications: [aPublication()] }, soon());
    }
  },
  "snapshot": ({ array }) => array.snapshots.create(aNewSnapshot("s", "origin"), soon()),
  "restore": ({ array }) => {
    const source = { kind: "snapshot", id: SNAPSHOT } as const;
    return array.volumes.create(aNewVolume("restored", { source }), soon());
  },
  "expand": ({ array }) => array.volumes.expand(ORIGIN.id, 2 * GIB, soon()),
  "list": ({ array }) => array.volumes.list(soon()),
  "capacity": ({ array }) => array.volumes.capacity(soon()),
  "unpublish": async ({ array: { volumes } }) => {
    const volume = await volumes.find(ORIGIN.id, soon());
    assert.ok(volume);
    await volumes.amend(volume, { publications: [] }, soon());
  },
  "delete": ({ array }) => array.volumes.delete(ORIGIN.id, soon()),
  "delete restored": ({ array }) => array.volumes.delete(aNewVolume("restored").id, soon()),
  "delete snapshot": ({ array }) => array.snapshots.delete(SNAPSHOT, soon()),
};

const FAULTS: readonly CommandFault[] = [
  { kind: "reset-before", times: 1 },
  { kind: "reset-after", times: 1 },
  { kind: "reset-middle", afterBytes: 0, times: 1 },
  { kind: "reset-middle", afterBytes: 30, times: 1 },
  { kind: "truncate", afterBytes: 0, times: 1 },
  { kind: "truncate", afterBytes: 25, times: 1 },
  { kind: "hang", times: 1 },
  { kind: "hang-after", times: 1 },
  { kind: "half-open", times: 1 },
];

/** Calls until it works; only `unavailable` may come in between. */
async function untilDone({ array, until }: Rig, call: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      await call();
      return;
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "unavailable") throw error;
      assert.ok(attempt < 10, `still failing: ${error.message}`);
      await until(() => array.isReachable());
    }
  }
}

for (const onDisconnect of ["finish", "abort"] as const) {
  for (const fault of FAULTS) {
    const bytes = "afterBytes" in fault ? ` after ${fault.afterBytes} bytes` : "";
    Deno.test(
      `a whole life converges when each call meets "${fault.kind}"${bytes}, commands ${onDisconnect} without us`,
      async () => {
        const timeouts = { readMs: 250, changeMs: 250, copyMs: 250, dialMs: 2000 };
        await using rig = await startRig({ onDisconnect }, {}, false);
        await rig.array.prepare(soon());
        await using array = rig.open({ timeouts });
        const quick = { ...rig, array };
        // A pause of the machine is a lost reply, too.
        await untilDone(quick, () => array.prepare(soon()));
        for (const [name, call] of Object.entries(CALLS)) {
          await rig.simulator.addFault(fault);
          await untilDone(quick, () => call(quick));
          assert.equal(rig.simulator.status().faults.length, 0, `${name} met no fault`);
        }
        await rig.simulator.idle();
        await assertEmpty(rig.simulator, BASE);
      },
    );
  }
}
