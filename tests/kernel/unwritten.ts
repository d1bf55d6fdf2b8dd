/** Data that are in a node's memory when something happens, and must not be lost by it. */
import assert from "node:assert/strict";
import type { LabVolume } from "./volume.ts";

/** Writes 8 MiB into the node's memory only; gives their checksum. */
export async function dirty(volume: LabVolume): Promise<string> {
  const write = `dd if=/dev/urandom of=${volume.dataPath} bs=1M count=8 status=none`;
  const text = await volume.lab.node.machine.run(`${write}; sha256sum ${volume.dataPath}`);
  return text.slice(0, 64);
}

/** Asserts that an unstaged volume holds what {@link dirty} wrote; then deletes it. */
export async function assertKept(volume: LabVolume, sum: string): Promise<void> {
  const { node } = volume.lab;
  await volume.stage(node);
  await volume.bind(node);
  const text = await node.machine.run(`sha256sum ${volume.dataPath}`);
  assert.equal(text.slice(0, 64), sum, "data that were in memory at the cut are lost");
  await volume.remove();
}
