import assert from "node:assert/strict";
import { Reconnects } from "../../../src/application/reconnects.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";

const VOLUME = volumeIdForName("volume");

/** The pauses after failures in a row, in seconds. */
function pausesOf(reconnects: Reconnects, failures: number): number[] {
  const pauses: number[] = [];
  let nowMs = 0;
  for (let count = 0; count < failures; count++) {
    reconnects.failed(VOLUME, "no answer", nowMs);
    const begunMs = nowMs;
    while (!reconnects.isDue(VOLUME, nowMs)) nowMs += 500;
    pauses.push((nowMs - begunMs) / 1000);
  }
  return pauses;
}

Deno.test("attempts to connect again come after 1 to 30 s, doubled each time", () => {
  assert.deepEqual(pausesOf(new Reconnects(() => 1), 7), [1, 2, 4, 8, 16, 30, 30]);
});

Deno.test("attempts are spread by jitter, and never closer than a second", () => {
  assert.deepEqual(pausesOf(new Reconnects(() => 0), 7), [1, 1, 2, 4, 8, 15, 15]);
});

Deno.test("the last failure is told until the volume is connected, or nobody's any more", () => {
  const reconnects = new Reconnects(() => 0);
  const other = volumeIdForName("other");
  for (const id of [VOLUME, other]) reconnects.failed(id, "refused", 0);
  assert.equal(reconnects.failureOf(VOLUME), "refused");
  reconnects.keepOnly(new Set([VOLUME]));
  assert.equal(reconnects.failureOf(other), undefined);
  reconnects.forget(VOLUME);
  assert.equal(reconnects.failureOf(VOLUME), undefined);
  assert(reconnects.isDue(VOLUME, 0));
});
