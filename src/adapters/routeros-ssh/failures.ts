/**
 * What the box says when it refuses, as {@link StorageError}. The only file that reads its texts;
 * all that is not here is unknown and never guessed: RouterOS's wordings differ between versions.
 */
import { StorageError } from "../../domain/errors.ts";
import type { StorageErrorCode } from "../../domain/errors.ts";

/** The codes that our own guards raise on the box with `:error`. */
export type GuardCode =
  | "csi-ambiguous"
  | "csi-changed"
  | "csi-copy-differs"
  | "csi-damaged"
  | "csi-file-exists"
  | "csi-foreign"
  | "csi-later-second"
  | "csi-list-moved"
  | "csi-missing"
  | "csi-mismatch"
  | "csi-no-space"
  | "csi-nqn-taken"
  | "csi-out-of-range"
  | "csi-overtaken"
  | "csi-pool-missing"
  | "csi-ports-taken"
  | "csi-published"
  | "csi-source-missing"
  | "csi-source-published"
  | "csi-still-there"
  | "csi-too-many";

/** A refusal by one of our guards; `detail` is what the guard appended. */
export interface GuardRefusal {
  readonly code: GuardCode;
  readonly detail: string;
}

interface GuardMeaning {
  readonly code: StorageErrorCode;
  readonly words: (detail: string) => string;
}

const GUARDS: Readonly<Record<GuardCode, GuardMeaning>> = {
  "csi-ambiguous": { code: "in-use", words: (slot) => `several items are called "${slot}"` },
  "csi-changed": { code: "busy", words: () => "its record changed meanwhile" },
  "csi-copy-differs": {
    code: "not-ready",
    words: (where) => `the copy differs from its source at byte ${where}`,
  },
  "csi-damaged": {
    code: "not-ready",
    words: (record) => `its record is not whole: "${record}"`,
  },
  "csi-file-exists": {
    code: "in-use",
    words: (name) => `file "${name}" is there and belongs to no disk of ours`,
  },
  "csi-foreign": {
    code: "in-use",
    words: (slot) => `disk "${slot}" does not belong to this cluster`,
  },
  "csi-later-second": { code: "unavailable", words: (at) => `a snapshot of second ${at} is there` },
  "csi-list-moved": { code: "unavailable", words: () => "the list changed while it was read" },
  "csi-missing": { code: "not-found", words: () => "there is none" },
  "csi-mismatch": {
    code: "not-ready",
    words: (what) => `the box did not keep what it was given: ${what}`,
  },
  "csi-no-space": { code: "out-of-space", words: (bytes) => `${bytes} bytes are available` },
  "csi-nqn-taken": { code: "in-use", words: (slot) => `disk "${slot}" is exported under its NQN` },
  "csi-out-of-range": {
    code: "out-of-range",
    words: (bytes) => `its source has ${bytes} bytes, which is above the limit`,
  },
  "csi-overtaken": {
    code: "busy",
    words: (slot) => `disk "${slot}" was made under its name meanwhile`,
  },
  "csi-pool-missing": {
    code: "unavailable",
    words: (pool) => `pool "${pool}" is not mounted`,
  },
  "csi-ports-taken": { code: "out-of-space", words: () => "no TCP port is free" },
  "csi-published": { code: "in-use", words: () => "it is published" },
  "csi-source-missing": { code: "not-found", words: () => "its source is not on this array" },
  "csi-source-published": {
    code: "in-use",
    words: () => "its source is published, and the array cannot copy it at one instant",
  },
  "csi-still-there": {
    code: "unavailable",
    words: (what) => `${what} is still there after its removal`,
  },
  "csi-too-many": { code: "out-of-space", words: (count) => `there are ${count} volumes already` },
};

const GUARD = /^(csi-[a-z-]+)(?: ([^\r\n]*?))?(?: \(:error; line \d+\))*$/;
const PARSE_FAILURE =
  /^(expected |syntax error|bad command name|bad parameter|input does not match|invalid value|ambiguous value|value of |missing value|unknown parameter)/i;
const ANY_FAILURE = new RegExp(
  `${PARSE_FAILURE.source}|^(failure:|script error:|not enough permissions|no such (item|command)|` +
    "can not do that|interrupted|std failure|action timed out|conditional is not boolean)",
  "i",
);

/** What kind of refusal a text of the box is, as far as all versions word it alike. */
export type RefusalKind = "permission" | "unknown-words" | "no-such-item" | "other";

/** The kind of refusal that `text` is. */
export function refusalKindOf(text: string): RefusalKind {
  const trimmed = text.trim();
  if (/^not enough permissions/i.test(trimmed)) return "permission";
  if (PARSE_FAILURE.test(trimmed)) return "unknown-words";
  return /^no such item/i.test(trimmed) ? "no-such-item" : "other";
}

/** Whether `line` is how RouterOS words a failure; used where no marker says it. */
export function isFailureText(line: string): boolean {
  return ANY_FAILURE.test(line);
}

/** The refusal of one of our guards that `text` is, or undefined. */
export function guardRefusalOf(text: string): GuardRefusal | undefined {
  const [, code = "", detail = ""] = GUARD.exec(text.trim()) ?? [];
  return Object.hasOwn(GUARDS, code) ? { code: code as GuardCode, detail } : undefined;
}

/**
 * The error for a refusal: what our guard or the box said, or `unavailable` when nobody knows what
 * it means, so that the caller tries again and a person can read the text.
 * @param what "Cannot <verb> <what>", the beginning of the message
 */
export function failureOf(text: string, what: string): StorageError {
  const guard = guardRefusalOf(text);
  if (guard !== undefined) {
    const meaning = GUARDS[guard.code];
    return new StorageError(meaning.code, `${what}: ${meaning.words(guard.detail)}`);
  }
  const trimmed = text.trim().slice(0, 500);
  switch (refusalKindOf(trimmed)) {
    case "permission":
      return new StorageError(
        "not-ready",
        `${what}: our user on the box lacks a policy: ${trimmed}`,
      );
    case "unknown-words":
      return new StorageError(
        "not-ready",
        `${what}: the box does not understand a command of ours: ${trimmed}`,
      );
    case "no-such-item":
    case "other":
      return new StorageError("unavailable", `${what}: the box refused: ${trimmed}`);
  }
}
