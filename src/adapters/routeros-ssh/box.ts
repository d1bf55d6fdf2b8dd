/** What the stores of one box share: its settings, its session, and what was found out about it. */
import { StorageError } from "../../domain/errors.ts";
import type { PortRange } from "../../domain/nvme.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Observe } from "../../ports/events.ts";
import type { CopyProof } from "../../domain/snapshot.ts";
import type { CopyStrategy } from "./copies.ts";
import { failureOf, guardRefusalOf } from "./failures.ts";
import { removedSlots } from "./rows.ts";
import { unlessAborted } from "./deadline.ts";
import { Refusal } from "./session.ts";
import type { Session } from "./session.ts";
import type { Script } from "./syntax.ts";

/** What to do when the source of a full copy is published and may be written. */
export type WhileAttached = "refuse" | "allow-fuzzy";

/** The settings of a box that its stores go by. */
export interface BoxSettings {
  readonly name: string;
  readonly clusterId: string;
  /** Where new files go; without a slash at the end. */
  readonly basePath: string;
  /** Every directory files may be in, {@link basePath} included; all on one pool. */
  readonly basePaths: readonly string[];
  /** The mount point of the pool. */
  readonly pool: string;
  readonly nvmePorts: PortRange;
  /** The percentage of the pool that stays free. */
  readonly minFreePercent: number;
  /** The most volumes of ours on the box; undefined = as many as fit. */
  readonly volumesMax: number | undefined;
  readonly whileAttached: WhileAttached;
}

/** How long names and comments may be on the box, as tried out. */
export interface BoxLimits {
  readonly slotLengthMax: number;
  readonly commentLengthMax: number;
}

/** How copies are made on the box. */
export interface CopyMethod {
  readonly strategy: CopyStrategy;
  readonly proof: CopyProof;
}

/** One box, as its stores see it. */
export interface Box {
  readonly settings: BoxSettings;
  readonly session: Session;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Aborts when the driver stops. */
  readonly closing: AbortSignal;
  /** The limits when they are known; publishing must not depend on trying them out. */
  knownLimits(): BoxLimits | undefined;
  /** Tried out once per version of the box. @throws {StorageError} */
  limits(signal: AbortSignal): Promise<BoxLimits>;
  /** Tried out once per version of the box. @throws {StorageError} */
  copyMethod(signal: AbortSignal): Promise<CopyMethod>;
}

/** Runs a reading command. @throws {StorageError} for a refusal too. */
export async function read(
  box: Box,
  statements: Script,
  what: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return await box.session.read(statements, what, signal);
  } catch (error) {
    throw explain(box, error, what);
  }
}

/**
 * What a change is. `full-copy` is one that takes as long as the data is large: a caller who leaves
 * does not end it, or no retry would ever get further than the one before.
 */
export type ChangeKind = "change" | "copy" | "full-copy" | "probe";

/**
 * Runs a change and reports what it removed on its way.
 * @param what "Cannot <verb> <what>", for the message of a failure
 * @throws {Refusal} when the box refused.
 * @throws {StorageError} when the outcome is unknown.
 */
export async function change(
  box: Box,
  statements: Script,
  what: string,
  signal: AbortSignal,
  kind: ChangeKind = "change",
): Promise<readonly string[]> {
  const { session, closing, settings } = box;
  const lines = kind === "full-copy"
    ? await unlessAborted(
      () => session.change(statements, what, closing, "copy"),
      signal,
      settings.name,
    )
    : await session.change(statements, what, signal, kind);
  for (const item of removedSlots(lines)) {
    box.observe({ kind: "left-over-removed", array: box.settings.name, item });
  }
  return lines;
}

/** `error` as it goes to the caller: a refusal in the domain's words, anything else as it is. */
export function explain(box: Box, error: unknown, what: string): unknown {
  if (!(error instanceof Refusal)) return error;
  const guard = guardRefusalOf(error.text);
  if (guard?.code === "csi-foreign") {
    box.observe({ kind: "foreign-item", array: box.settings.name, item: guard.detail });
  }
  return failureOf(error.text, what);
}

/** How a copy is made now. @throws {StorageError} `not-ready` when the box makes no real copies. */
export function usableMethod(method: CopyMethod, what: string, name: string): CopyMethod {
  if (method.proof.result !== "refused") return method;
  throw new StorageError(
    "not-ready",
    `${what}: array "${name}" makes no real copies: ${method.proof.reason}`,
  );
}

/** Whether a copy of a published source is refused: it would mix bytes of different moments. */
export function refusesPublished(box: Box, method: CopyMethod): boolean {
  if (method.proof.result === "independent-cow") return false;
  return box.settings.whileAttached === "refuse";
}
