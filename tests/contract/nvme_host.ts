/** What NvmeHost promises. */
import assert from "node:assert/strict";
import type { Nqn } from "../../src/domain/nvme.ts";
import type { NvmeSession } from "../../src/ports/nvme_host.ts";
import {
  assertFails,
  connectDisk,
  DISK_BYTES,
  FOREVER,
  mountDisk,
  testNodeClauses,
} from "./node_harness.ts";
import type { NodeClause, NodeHarness } from "./node_harness.ts";

const CLAUSES: readonly NodeClause[] = [
  {
    name: "connect() gives the device of the disk, which find() then gives too",
    check: async (harness) => {
      const { nqn, device } = await connectDisk(harness);
      assert.equal(device.sizeBytes, DISK_BYTES);
      assert.deepEqual(await harness.host.find(nqn, FOREVER), device);
      await assertOnlySession(harness, nqn, "live");
    },
  },
  {
    name: "connect() gives the same device when called twice, with one session",
    check: async (harness) => {
      const { target, device } = await connectDisk(harness);
      assert.deepEqual(await harness.host.connect(target, FOREVER), device);
      assert.equal((await harness.host.sessions(FOREVER)).length, 1);
    },
  },
  {
    name: "connect() gives different disks different paths and numbers",
    check: async (harness) => {
      const [one, two] = [await connectDisk(harness), await connectDisk(harness)];
      assert.notEqual(one.device.number, two.device.number);
      assert.notEqual(one.device.path, two.device.path);
    },
  },
  {
    name: "connect() refuses an NQN without the managed prefix",
    check: async ({ host, exportDisk }) => {
      const target = await exportDisk(DISK_BYTES);
      const nqn = "nqn.2000-02.com.mikrotik:nixos-root" as Nqn;
      await assertFails(host.connect({ ...target, nqn }, FOREVER), "invalid");
      assert.deepEqual(await host.sessions(FOREVER), []);
    },
  },
  {
    name: "connect() answers unavailable when nothing has that NQN, or it is at another port",
    check: async ({ host, exportDisk }) => {
      const target = await exportDisk(DISK_BYTES);
      const nqn = `${target.nqn.slice(0, -4)}ffff` as Nqn;
      await assertFails(host.connect({ ...target, nqn }, FOREVER), "unavailable");
      const at = { ...target.at, port: target.at.port + 1 };
      await assertFails(host.connect({ ...target, at }, FOREVER), "unavailable");
      assert.deepEqual(await host.sessions(FOREVER), []);
    },
  },
  {
    name: "find() gives undefined for a subsystem that is not connected",
    check: async ({ host, exportDisk }) => {
      const { nqn } = await exportDisk(DISK_BYTES);
      assert.equal(await host.find(nqn, FOREVER), undefined);
      assert.equal(await host.session(nqn, FOREVER), undefined);
    },
  },
  {
    name: "rescan() gives the size the disk has by then, under the same number",
    check: async (harness) => {
      const { nqn, device } = await connectDisk(harness);
      await harness.resizeDisk(nqn, 2 * DISK_BYTES);
      const grown = { ...device, sizeBytes: 2 * DISK_BYTES };
      assert.deepEqual(await harness.host.rescan(nqn, FOREVER), grown);
      assert.deepEqual(await harness.host.find(nqn, FOREVER), grown);
    },
  },
  {
    name: "rescan() refuses a subsystem that is not connected",
    check: async ({ host, exportDisk }) => {
      await assertFails(host.rescan((await exportDisk(DISK_BYTES)).nqn, FOREVER), "not-ready");
    },
  },
  {
    name: "disconnect() leaves nothing of the connection, and nothing to do the second time",
    check: async (harness) => {
      const { nqn } = await connectDisk(harness);
      const other = await connectDisk(harness);
      await harness.host.disconnect(nqn, FOREVER);
      await harness.host.disconnect(nqn, FOREVER);
      assert.equal(await harness.host.find(nqn, FOREVER), undefined);
      await assertOnlySession(harness, other.nqn, "live");
    },
  },
  {
    name: "disconnect() refuses while the device is mounted, and the session stays",
    check: async (harness) => {
      const { nqn, device } = await mountDisk(harness, "staging");
      await assertFails(harness.host.disconnect(nqn, FOREVER), "in-use");
      assert.deepEqual(await harness.host.find(nqn, FOREVER), device);
    },
  },
  {
    name: "disconnect() refuses while something holds the device that no mount shows",
    needs: "hold",
    check: async (harness) => {
      const { nqn, device } = await connectDisk(harness);
      await harness.hold?.(nqn);
      await assertFails(harness.host.disconnect(nqn, FOREVER), "in-use");
      assert.deepEqual(await harness.host.find(nqn, FOREVER), device);
    },
  },
  {
    name: "a lost connection shows as lost, keeps its device, and cannot be connected or rescanned",
    check: async (harness) => {
      const { nqn, target, device } = await connectDisk(harness);
      await harness.loseConnection(nqn);
      await assertOnlySession(harness, nqn, "lost");
      assert.deepEqual(await harness.host.find(nqn, FOREVER), device);
      await assertFails(harness.host.connect(target, FOREVER), "unavailable");
      await assertFails(harness.host.rescan(nqn, FOREVER), "unavailable");
    },
  },
  {
    name: "disconnect() ends a lost connection",
    check: async (harness) => {
      const { nqn } = await connectDisk(harness);
      await harness.loseConnection(nqn);
      await harness.host.disconnect(nqn, FOREVER);
      assert.deepEqual(await harness.host.sessions(FOREVER), []);
    },
  },
  {
    name: "connect() gives a device that came back a new number",
    check: async (harness) => {
      const { nqn, target, device } = await connectDisk(harness);
      await harness.replaceDevice(nqn);
      const again = await harness.host.connect(target, FOREVER);
      assert.notEqual(again.number, device.number);
      assert.deepEqual(await harness.host.find(nqn, FOREVER), again);
    },
  },
  {
    name: "an aborted call rejects and connects nothing",
    check: async ({ host, exportDisk }) => {
      const target = await exportDisk(DISK_BYTES);
      const reason = new Error("the caller left");
      const left = host.connect(target, AbortSignal.abort(reason));
      await assert.rejects(left, (error) => error === reason);
      assert.deepEqual(await host.sessions(FOREVER), []);
    },
  },
];

/** Runs the contract of NvmeHost over one kind of node. */
export function testNvmeHostContract(
  name: string,
  ...rest: Parameters<typeof testNodeClauses> extends [unknown, unknown, ...infer Rest] ? Rest
    : never
): void {
  testNodeClauses(`NvmeHost over ${name}`, CLAUSES, ...rest);
}

async function assertOnlySession(
  { host }: NodeHarness,
  nqn: Nqn,
  state: NvmeSession["state"],
): Promise<void> {
  const [session, ...others] = await host.sessions(FOREVER);
  assert.deepEqual(others, []);
  assert.equal(session?.nqn, nqn);
  assert.equal(session.state, state);
  assert.deepEqual(session.device, await host.find(nqn, FOREVER));
  assert.deepEqual(await host.session(nqn, FOREVER), session);
}
