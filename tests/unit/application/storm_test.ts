/** Many callers at once, who try again when they are refused, as the sidecars do. */
import assert from "node:assert/strict";
import { MemoryRds } from "../../../src/adapters/memory/rds.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import { aBackend, aController, FOREVER, madeVolume } from "../../builders/controller.ts";

const NAMES = Array.from({ length: 20 }, (_, index) => `v${index}`);

/** Calls until the answer is not "busy"; 1,000 refusals in a row are a defect. */
async function insist<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1;; attempt++) {
    try {
      return await call();
    } catch (error) {
      const isBusy = error instanceof StorageError && error.code === "busy";
      if (!isBusy || attempt === 1_000) throw error;
    }
  }
}

for (const arrayCount of [1, 2]) {
  Deno.test(`200 creates of 20 names at once end in 20 volumes, over ${arrayCount} arrays`, async () => {
    const arrays = Array.from({ length: arrayCount }, () => new MemoryRds());
    const controller = aController(arrays.map((rds, index) => aBackend(`array-${index}`, rds)));
    const calls = Array.from({ length: 10 }, () => NAMES).flat();
    const made = await Promise.all(
      calls.map((name) => insist(() => madeVolume(controller, name))),
    );
    assert.equal(new Set(made.map(({ id }) => id)).size, 20);
    assert.equal(new Set(made.map(({ port }) => port)).size, 20);
    const itemCounts = arrays.map(({ itemCount }) => itemCount);
    assert.deepEqual(itemCounts, [20, 0].slice(0, arrayCount));
    assert.ok(controller.locks.isIdle);
  });
}

Deno.test("a storm of creates and deletes leaves nothing once all is deleted", async () => {
  const rds = new MemoryRds();
  const controller = aController([aBackend("one", rds)]);
  const remove = (name: string): Promise<void> =>
    insist(() => controller.volumes.delete(volumeIdForName(name), FOREVER));
  const calls = Array.from({ length: 5 }, () => NAMES).flat().flatMap((name) => [
    insist(() => madeVolume(controller, name)),
    remove(name),
  ]);
  await Promise.all(calls);
  await Promise.all(NAMES.map(remove));
  assert.equal(rds.itemCount, 0);
  assert.ok(controller.locks.isIdle);
});
