/** What Mounter promises. */
import { MOUNT_CLAUSES } from "./mounter_mount_clauses.ts";
import { SHOW_CLAUSES } from "./mounter_show_clauses.ts";
import { testNodeClauses } from "./node_harness.ts";

/** Runs the contract of Mounter over one kind of node. */
export function testMounterContract(
  name: string,
  ...rest: Parameters<typeof testNodeClauses> extends [unknown, unknown, ...infer Rest] ? Rest
    : never
): void {
  testNodeClauses(`Mounter over ${name}`, [...MOUNT_CLAUSES, ...SHOW_CLAUSES], ...rest);
}
