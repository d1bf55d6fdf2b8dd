/** What the file system under the simulator refuses, as a box would say it. */
import type { Wordings } from "../box/wordings.ts";
import { type MenuCommand, RouterOsError } from "../menu.ts";

/** No room, no quota, or a file larger than the host's file system can hold. */
const FULL_CODES: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** The command, failing for want of space where the host's own disk is full. */
export function withHostLimits(command: MenuCommand, words: Wordings): MenuCommand {
  return {
    ...command,
    run: (call) => {
      try {
        return command.run(call);
      } catch (error) {
        throw isHostFull(error) ? new RouterOsError(words.noSpace) : error;
      }
    },
  };
}

function isHostFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return FULL_CODES.has((error as { readonly code?: unknown }).code) ||
    /\(os error (?:27|28|122)\)|No space left on device/.test(error.message);
}
