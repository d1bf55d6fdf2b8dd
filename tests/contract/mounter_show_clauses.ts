/** What Mounter promises about showing a mount or a device at one more path. */
import assert from "node:assert/strict";
import { deviceNumberOf } from "../../src/domain/block_device.ts";
import { assertFails, connectDisk, FOREVER, mountDisk } from "./node_harness.ts";
import type { NodeClause } from "./node_harness.ts";

/** Binding trees and exposing devices. */
export const SHOW_CLAUSES: readonly NodeClause[] = [
  {
    name: "bind() shows the same tree at the path it makes",
    check: async (harness) => {
      const { device, path } = await mountDisk(harness, "staging");
      const target = `${harness.directory}/target`;
      await harness.mounter.bind(path, target, false, FOREVER);
      await harness.writeFile(target, "a.txt", "through the target");
      assert.equal(await harness.readFile(path, "a.txt"), "through the target");
      const use = await harness.mounter.look(target, FOREVER);
      assert(use.kind === "mount" && use.isAlive && !use.isReadOnly);
      assert.equal(use.device, device.number);
      const uses = await harness.mounter.usesOf(device.number, FOREVER);
      assert.deepEqual(uses.sort(), [path, target]);
    },
  },
  {
    name: "bind() read-only is read-only, and leaves what it shows writable",
    check: async (harness) => {
      const { path } = await mountDisk(harness, "staging");
      const target = `${harness.directory}/target`;
      await harness.mounter.bind(path, target, true, FOREVER);
      const [bound, staged] = [
        await harness.mounter.look(target, FOREVER),
        await harness.mounter.look(path, FOREVER),
      ];
      assert(bound.kind === "mount" && bound.isReadOnly);
      assert(staged.kind === "mount" && !staged.isReadOnly);
    },
  },
  {
    name: "bind() does not stack: called twice and released once, nothing is there",
    check: async (harness) => {
      const { path } = await mountDisk(harness, "staging");
      const target = `${harness.directory}/target`;
      await harness.mounter.bind(path, target, false, FOREVER);
      await harness.mounter.bind(path, target, false, FOREVER);
      await harness.writeFile(target, "a.txt", "kept");
      await harness.mounter.release(target, FOREVER);
      assert.deepEqual(await harness.mounter.look(target, FOREVER), { kind: "nothing" });
      assert.equal(await harness.readFile(path, "a.txt"), "kept");
    },
  },
  {
    name: "bind() refuses when nothing is mounted at its source, and hides nobody's files",
    check: async (harness) => {
      const { directory, mounter } = harness;
      await harness.makeDirectory(`${directory}/plain`);
      await assertFails(
        mounter.bind(`${directory}/plain`, `${directory}/t`, false, FOREVER),
        "not-ready",
      );
      const { path } = await mountDisk(harness, "staging");
      await harness.writeFile(`${directory}/full`, "theirs.txt", "");
      await assertFails(mounter.bind(path, `${directory}/full`, false, FOREVER), "not-ready");
      assert.deepEqual(await mounter.look(`${directory}/full`, FOREVER), { kind: "directory" });
    },
  },
  {
    name: "exposeBlock() shows the device at the path it makes, and does nothing when called twice",
    check: async (harness) => {
      const { device } = await connectDisk(harness);
      const path = `${harness.directory}/block`;
      await harness.mounter.exposeBlock(device, path, false, FOREVER);
      await harness.mounter.exposeBlock(device, path, false, FOREVER);
      assert.deepEqual(await harness.mounter.look(path, FOREVER), {
        kind: "block",
        device: device.number,
        isReadOnly: false,
        isAlive: true,
      });
      assert.deepEqual(await harness.mounter.usesOf(device.number, FOREVER), [path]);
      await harness.mounter.release(path, FOREVER);
      assert.deepEqual(await harness.mounter.look(path, FOREVER), { kind: "nothing" });
      assert.deepEqual(await harness.mounter.usesOf(device.number, FOREVER), []);
    },
  },
  {
    name: "exposeBlock() tells read-only from read-write",
    check: async (harness) => {
      const { device } = await connectDisk(harness);
      const path = `${harness.directory}/block`;
      await harness.mounter.exposeBlock(device, path, true, FOREVER);
      const use = await harness.mounter.look(path, FOREVER);
      assert(use.kind === "block" && use.isReadOnly);
    },
  },
  {
    name: "exposeBlock() refuses a path that is taken, and a device path that leads elsewhere",
    check: async (harness) => {
      const { mounter, directory } = harness;
      const { device } = await connectDisk(harness);
      const other = await connectDisk(harness);
      await harness.makeDirectory(`${directory}/d`);
      await assertFails(mounter.exposeBlock(device, `${directory}/d`, false, FOREVER), "not-ready");
      await mounter.exposeBlock(other.device, `${directory}/o`, false, FOREVER);
      await assertFails(mounter.exposeBlock(device, `${directory}/o`, false, FOREVER), "not-ready");
      const stale = { ...device, number: deviceNumberOf(7, 4711) };
      const elsewhere = mounter.exposeBlock(stale, `${directory}/s`, false, FOREVER);
      await assertFails(elsewhere, "unavailable");
      assert.deepEqual(await mounter.look(`${directory}/s`, FOREVER), { kind: "nothing" });
    },
  },
  {
    name: "a block target whose device is gone is told to be dead, also when the disk is back",
    check: async (harness) => {
      const { nqn, target, device } = await connectDisk(harness);
      const path = `${harness.directory}/block`;
      await harness.mounter.exposeBlock(device, path, false, FOREVER);
      await harness.replaceDevice(nqn);
      const again = await harness.host.connect(target, FOREVER);
      const use = await harness.mounter.look(path, FOREVER);
      assert(use.kind === "block" && !use.isAlive);
      assert.notEqual(use.device, again.number);
      await harness.mounter.release(path, FOREVER);
      await harness.mounter.exposeBlock(again, path, false, FOREVER);
      const shown = await harness.mounter.look(path, FOREVER);
      assert(shown.kind === "block" && shown.isAlive);
    },
  },
];
