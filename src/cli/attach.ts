/** The flag `--attach`: how volumes reach a node. */
import { isAbsolute } from "node:path";
import { FlagError } from "./flag_values.ts";

/** A way for volumes to reach a node. */
export type Attachment =
  /** NVMe/TCP through this machine's kernel. */
  | { readonly kind: "kernel" }
  /** Loop devices over the files of a simulator on this machine: real file systems, no NVMe. */
  | { readonly kind: "loop"; readonly directory: string }
  /** The files of a simulator on this machine themselves; nothing of the kernel is used. */
  | { readonly kind: "trial"; readonly directory: string };

const ALLOWED = "kernel, or loop:DIRECTORY or trial:DIRECTORY with the absolute path of a " +
  "simulator's";

/** The way that `text` names. @throws {FlagError} for one that does not exist. */
export function parseAttachment(text: string): Attachment {
  if (text === "kernel") return { kind: "kernel" };
  const [, kind, directory] = /^(loop|trial):(.+)$/s.exec(text) ?? [];
  if (directory === undefined || !isAbsolute(directory)) {
    throw new FlagError("--attach", text, ALLOWED);
  }
  return { kind: kind === "loop" ? "loop" : "trial", directory };
}

/** Where a node of the kernel keeps what must survive its container. */
export const DEFAULT_STATE_DIRECTORY = "/var/lib/rds-csi";

/**
 * The state directory: a trial has no usual place.
 * @throws {FlagError} when a trial is not given any.
 */
export function stateDirectoryFor(attachment: Attachment, flag: string | undefined): string {
  if (flag !== undefined) return flag;
  if (attachment.kind === "kernel") return DEFAULT_STATE_DIRECTORY;
  throw new FlagError(
    "--state-directory",
    "",
    `a directory of its own, beside ${attachment.kind}:`,
  );
}
