/** What the contract suites of the stores need of an array, and how they run their clauses. */
import assert from "node:assert/strict";
import type { PortRange } from "../../src/domain/nvme.ts";
import type { SnapshotId } from "../../src/domain/snapshot_id.ts";
import type { CopyProof } from "../../src/domain/snapshot.ts";
import { StorageError } from "../../src/domain/errors.ts";
import type { StorageErrorCode } from "../../src/domain/errors.ts";
import type { VolumeId } from "../../src/domain/volume_id.ts";
import type { SnapshotStore } from "../../src/ports/snapshot_store.ts";
import type { VolumeStore } from "../../src/ports/volume_store.ts";

/** An array that is to be like this; what is absent is the harness's choice. */
export interface ArraySetup {
  /** The size of the pool, in bytes, give or take what its file system keeps. */
  readonly poolBytes?: number;
  readonly ports?: PortRange;
  readonly copies?: CopyProof["result"];
}

/** What not every harness can do; a suite skips what is missing and says why. */
export type Need = "poolBytes" | "ports" | "copies" | "content" | "neighbour";

/** One array with nothing of ours on it, and our stores on it. Disposing removes everything. */
export interface StoreHarness extends AsyncDisposable {
  readonly volumes: VolumeStore;
  readonly snapshots: SnapshotStore;
  /** The directory that volumes lie in, which a class may also name. */
  readonly basePath: string;
  /** What a node would do with the bytes. */
  readonly content?: {
    write(id: VolumeId, text: string): Promise<void>;
    /** The text that was written last, or that was copied; empty when there never was any. */
    read(id: VolumeId | SnapshotId): Promise<string>;
  };
  /** The stores of another cluster on the same array. */
  readonly neighbour?: { readonly volumes: VolumeStore; readonly snapshots: SnapshotStore };
}

/** Makes a fresh array. */
export type OpenStores = (setup: ArraySetup) => Promise<StoreHarness>;

/** One sentence of a contract. It may use the ports only. */
export interface Clause {
  readonly name: string;
  readonly setup?: ArraySetup;
  readonly needs?: readonly ("content" | "neighbour")[];
  check(harness: StoreHarness): Promise<void>;
}

/**
 * Runs clauses over an array as tests.
 * @param missing what the harness cannot do, each with the reason
 */
export function testClauses(
  suite: string,
  clauses: readonly Clause[],
  open: OpenStores,
  missing: Readonly<Partial<Record<Need, string>>>,
): void {
  for (const clause of clauses) {
    const reason = needsOf(clause).map((need) => missing[need]).find((why) => why !== undefined);
    Deno.test({
      name: `${suite}: ${clause.name}${reason === undefined ? "" : ` [skipped: ${reason}]`}`,
      ignore: reason !== undefined,
      fn: async () => {
        await using harness = await open(clause.setup ?? {});
        await clause.check(harness);
      },
    });
  }
}

/** A signal that never aborts. */
export const FOREVER: AbortSignal = new AbortController().signal;

/** Checks that `work` fails with `code`, and gives the error's message. */
export async function assertFails(
  work: Promise<unknown>,
  ...codes: readonly StorageErrorCode[]
): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    assert.ok(codes.includes(error.code), `${error.code} (${error.message}), not ${codes}`);
    return error.message;
  }
  assert.fail(`nothing was thrown, where ${codes} should be`);
}

/** What clauses that declare `content` may rely on. */
export function contentOf({ content }: StoreHarness): NonNullable<StoreHarness["content"]> {
  assert.ok(content, "the harness declares no missing content and gives none");
  return content;
}

/** What clauses that declare `neighbour` may rely on. */
export function neighbourOf({ neighbour }: StoreHarness): NonNullable<StoreHarness["neighbour"]> {
  assert.ok(neighbour, "the harness declares no missing neighbour and gives none");
  return neighbour;
}

function needsOf({ setup = {}, needs = [] }: Clause): Need[] {
  const ofSetup = (["poolBytes", "ports", "copies"] as const).filter((key) => key in setup);
  return [...ofSetup, ...needs];
}
