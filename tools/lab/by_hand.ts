/**
 * Box and nodes without any of our programs: the kernel's target with one subsystem made by hand,
 * and nodes with nothing but their kernel. For looking at what a kernel does.
 */
import type { Machine } from "./machine.ts";
import { guestScript, makeMachines, type SegmentMachines, type SegmentOptions } from "./segment.ts";

const SCRIPT_MS = 120_000;

/** The machines of {@link startByHand}; disposing of it switches them off. */
export interface ByHand extends SegmentMachines, AsyncDisposable {}

/**
 * Boots the box and `nodeCount` nodes at once and exports a disk of 512 MiB.
 * @throws {Error} when a machine does not come up; none is left behind.
 */
export async function startByHand(options: SegmentOptions, nodeCount: 1 | 2): Promise<ByHand> {
  const { box, nodes } = await makeMachines(options);
  const stop = async (): Promise<void> => {
    await Promise.all([box, ...nodes].map((machine) => machine.powerOff()));
  };
  try {
    await Promise.all([box, ...nodes.slice(0, nodeCount)].map((machine) => machine.boot()));
    await exportByHand(box);
  } catch (error) {
    await stop();
    throw error;
  }
  return { box, nodes, [Symbol.asyncDispose]: stop };
}

/** Exports the disk on a box that has just been booted. @throws {Error} */
export async function exportByHand(box: Machine): Promise<void> {
  await box.run(`bash ${guestScript("box_by_hand.sh")}`, { deadlineMs: SCRIPT_MS });
}

/** Connects a node to the disk and gives the device's path. @throws {Error} */
export async function connectByHand(node: Machine): Promise<string> {
  const script = guestScript("connect_by_hand.sh");
  return (await node.run(`bash ${script}`, { deadlineMs: SCRIPT_MS })).trim();
}
