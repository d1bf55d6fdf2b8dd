/** The flag `--attach`: how volumes reach a node. */
import { isAbsolute } from "node:path";
import { FlagError } from "./flag_values.ts";

/** A way for volumes to reach a node. */
export interface Attachment {
  readonly kind: "trial";
  /** The directory of a simulator on this machine. */
  readonly directory: string;
}

/** The way that `text` names. @throws {FlagError} for one that does not exist, or not yet. */
export function parseAttachment(text: string): Attachment {
  if (text === "kernel") {
    throw new FlagError(
      "--attach",
      text,
      "trial:DIRECTORY; NVMe/TCP through the kernel is not part of this version",
    );
  }
  const directory = /^trial:(.+)$/s.exec(text)?.[1];
  if (directory === undefined || !isAbsolute(directory)) {
    throw new FlagError(
      "--attach",
      text,
      "trial:DIRECTORY with the absolute path of a simulator's",
    );
  }
  return { kind: "trial", directory };
}
