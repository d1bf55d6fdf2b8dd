/**
 * The contract of SnapshotStore as tests. Whatever claims to be one runs this suite; a defect found
 * in any of them becomes a clause here.
 */
import {
  SNAPSHOT_CREATION_CLAUSES,
  SNAPSHOT_REFUSAL_CLAUSES,
} from "./snapshot_creation_clauses.ts";
import { SNAPSHOT_LIFE_CLAUSES } from "./snapshot_life_clauses.ts";
import { testClauses } from "./store_harness.ts";
import type { Need, OpenStores } from "./store_harness.ts";

/**
 * Runs every clause of SnapshotStore over the array that `open` makes afresh for each.
 * @param missing what the harness cannot do, each with the reason
 */
export function testSnapshotStoreContract(
  name: string,
  open: OpenStores,
  missing: Readonly<Partial<Record<Need, string>>> = {},
): void {
  const clauses = [
    ...SNAPSHOT_CREATION_CLAUSES,
    ...SNAPSHOT_REFUSAL_CLAUSES,
    ...SNAPSHOT_LIFE_CLAUSES,
  ];
  testClauses(`SnapshotStore over ${name}`, clauses, open, missing);
}
