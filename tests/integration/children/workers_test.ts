/** How many worker processes calls at once start, and how many are there afterwards. */
import assert from "node:assert/strict";
import { KernelCallPool } from "../../../src/adapters/children/kernel_call_pool.ts";
import { launchProcess } from "../../../src/adapters/children/launcher.ts";
import type { Child } from "../../../src/adapters/children/launcher.ts";
import { KERNEL_CALLS_COMMAND } from "../../../src/adapters/children/own_program.ts";
import { startOfProcess, StuckChildren } from "../../../src/adapters/children/stuck_children.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { checkoutProgram } from "../../../tools/trial/processes.ts";

const FOREVER = new AbortController().signal;
const CALLS = 12;
const IDLE_MAX = 4;
/** Two to begin with, and two more when these are ready; a busy machine may need a few more. */
const STARTED_MAX = 8;

/** A pool of real workers, and each process that was started for it. */
function aPool(): { readonly pool: KernelCallPool; readonly started: readonly Child[] } {
  const clock = systemClock;
  const started: Child[] = [];
  const pool = new KernelCallPool({
    worker: [...checkoutProgram(), KERNEL_CALLS_COMMAND],
    launch: (launch) => {
      const child = launchProcess(launch);
      started.push(child);
      return child;
    },
    stuck: new StuckChildren({ clock, startOf: startOfProcess, stuckMax: 16 }),
    clock,
  });
  return { pool, started };
}

function isRunning({ pid }: Child): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test("twelve calls at once are all made, by fewer processes, of which four are kept", async () => {
  const { pool, started } = aPool();
  {
    await using _closed = pool;
    const call = { kind: "measure-file-system", path: "/tmp" } as const;
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all(
        Array.from(
          { length: CALLS },
          (_, index) => pool.call(call, { deadlineMs: 20_000, subject: `7:${index}` }, FOREVER),
        ),
      );
      for (const result of results) assert.ok(result.isOk && result.answer.blocks > 0);
    }
    const message = `${started.length} processes for ${CALLS} calls at once`;
    assert.ok(started.length <= STARTED_MAX, message);
    for (let left = started.length; left > IDLE_MAX; left = started.filter(isRunning).length) {
      // Those that are one too many end by themselves, each in its own time.
      await systemClock.sleep(5, AbortSignal.timeout(20_000));
    }
  }
  assert.deepEqual(started.filter(isRunning).map(({ pid }) => pid), [], "closing ends all");
});
