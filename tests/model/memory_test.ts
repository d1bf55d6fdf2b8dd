/** An array in memory: the controller's own rules, without SSH. */
import { explore, replayAsked, sequenceCount, testName } from "./exploration.ts";
import { openMemoryWorld } from "./memory_world.ts";
import type { Copies } from "./oracle.ts";

const SHARES: readonly (readonly [copies: Copies, share: number])[] = [
  ["cow", 0.3],
  ["full", 0.1],
  ["refused", 0.1],
];

for (const [copies, share] of SHARES) {
  const name = `memory-${copies}`;
  Deno.test(testName(name), async () => {
    await explore({
      name,
      open: () => openMemoryWorld(copies),
      isBox: false,
      sequenceCount: sequenceCount(share),
      replay: replayAsked(),
    });
  });
}
