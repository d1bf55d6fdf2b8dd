/**
 * The contract of VolumeStore as tests. Whatever claims to be one runs this suite; a defect found
 * in any of them becomes a clause here.
 */
import { testClauses } from "./store_harness.ts";
import type { Need, OpenStores } from "./store_harness.ts";
import { EMPTY_VOLUME_CLAUSES, SOURCED_VOLUME_CLAUSES } from "./volume_creation_clauses.ts";
import { AMEND_CLAUSES, DELETE_CLAUSES, VOLUME_CLAUSES } from "./volume_record_clauses.ts";

/**
 * Runs every clause of VolumeStore over the array that `open` makes afresh for each.
 * @param missing what the harness cannot do, each with the reason
 */
export function testVolumeStoreContract(
  name: string,
  open: OpenStores,
  missing: Readonly<Partial<Record<Need, string>>> = {},
): void {
  const clauses = [
    ...EMPTY_VOLUME_CLAUSES,
    ...SOURCED_VOLUME_CLAUSES,
    ...VOLUME_CLAUSES,
    ...AMEND_CLAUSES,
    ...DELETE_CLAUSES,
  ];
  testClauses(`VolumeStore over ${name}`, clauses, open, missing);
}
