/** Random sequences over an array in memory. */
import { explore, replayAsked, sequenceCount } from "./exploration.ts";
import { openMemoryWorld } from "./memory_world.ts";
import type { Copies } from "./oracle.ts";

const SHARES: Readonly<Record<Copies, number>> = { cow: 0.3, full: 0.1, refused: 0.1 };

for (const [copies, share] of Object.entries(SHARES)) {
  Deno.test(`any sequence of calls ends as the model says, in memory (${copies} copies)`, async () => {
    const isCopies = (text: string): text is Copies => text in SHARES;
    if (!isCopies(copies)) return;
    await explore({
      name: `memory-${copies}`,
      open: () => openMemoryWorld(copies),
      canFill: false,
      sequenceCount: sequenceCount(share),
      replay: replayAsked(),
    });
  });
}
