/** Programs that are exchanged for others on their way, to fail in ways that are hard to arrange. */
import { hostTest } from "../machine.ts";
import type { ProgramCall, Programs } from "../../../src/ports/programs.ts";

/** Runs `other(call)` in place of a call, where that gives one. */
export function exchanged(
  programs: Programs,
  other: (call: ProgramCall) => ProgramCall | undefined,
): Programs {
  return {
    run: (call, signal) => programs.run(other(call) ?? call, signal),
    stuck: () => programs.stuck(),
  };
}

const STRACE = "/usr/bin/strace";

/** A test that lets a tool die at a certain system call. */
export function straceTest(name: string, check: () => Promise<void>): void {
  try {
    Deno.statSync(STRACE);
    hostTest(name, check);
  } catch {
    Deno.test({ name: `${name} (not here: it needs ${STRACE})`, ignore: true, fn: check });
  }
}
