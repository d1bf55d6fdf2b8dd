/** Everything of this node that runs in a child process, put together. */
import type { Clock } from "../../ports/clock.ts";
import { KernelCallPool } from "./kernel_call_pool.ts";
import { launchProcess } from "./launcher.ts";
import { KERNEL_CALLS_COMMAND, ownProgram } from "./own_program.ts";
import { ProgramRunner } from "./program_runner.ts";
import { startOfProcess, StuckChildren } from "./stuck_children.ts";

/** The two ports; `programs.stuck()` shows the children of both. Disposing ends idle workers. */
export interface Children extends AsyncDisposable {
  readonly programs: ProgramRunner;
  readonly kernelCalls: KernelCallPool;
}

/**
 * With so many children that hang, no more are started on a node: more than a node has volumes of
 * one array, so that one that is silent does not take what the others need.
 */
const STUCK_MAX = 128;

/**
 * Opens the ports. Nothing is started before it is needed.
 * @param program the command line of this program, for where the process that runs is another one,
 * as in tests
 */
export function openChildren(clock: Clock, program: readonly string[] = ownProgram()): Children {
  const launch = launchProcess;
  const stuck = new StuckChildren({ clock, startOf: startOfProcess, stuckMax: STUCK_MAX });
  const worker = [...program, KERNEL_CALLS_COMMAND];
  const kernelCalls = new KernelCallPool({ worker, launch, stuck, clock });
  return {
    programs: new ProgramRunner({ launch, stuck, clock }),
    kernelCalls,
    [Symbol.asyncDispose]: () => kernelCalls[Symbol.asyncDispose](),
  };
}
