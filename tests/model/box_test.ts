import { explore, replayAsked, sequenceCount } from "./exploration.ts";
import { openBoxWorld } from "./box_world.ts";

Deno.test("any sequence of calls ends as the model says, on a simulated box", async () => {
  await explore({
    name: "box",
    open: () => openBoxWorld({ copies: "cow", strategy: "auto", box: {} }),
    canFill: true,
    sequenceCount: sequenceCount(1),
    replay: replayAsked(),
  });
});
