/** The test of one kind of box. */
import { openBoxWorld } from "./box_world.ts";
import type { BoxSetup } from "./box_world.ts";
import { explore, replayAsked, sequenceCount, testName } from "./exploration.ts";

const MUST_SEE = [
  ...["OK", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION"],
  ...["OUT_OF_RANGE", "RESOURCE_EXHAUSTED", "ABORTED", "DEADLINE_EXCEEDED", "UNAVAILABLE"],
];

/** Puts such a box through `share` of all sequences. */
export function testBox(name: string, setup: BoxSetup, share: number): void {
  Deno.test(testName(name), async () => {
    await explore({
      name,
      open: () => openBoxWorld(setup),
      isBox: true,
      sequenceCount: sequenceCount(share),
      mustSee: MUST_SEE,
      replay: replayAsked(),
    });
  });
}
