import assert from "node:assert/strict";
import { BoxState } from "../../../../src/simulator/box/state.ts";

Deno.test("a change that the journal does not take never was", () => {
  let isFull = false;
  const state = new BoxState([["setting", "kept", 1]], () => ({
    append: (): void => {
      if (isFull) throw new Error("no space");
    },
    close: (): void => {},
  }));
  state.put("setting", "other", "x");
  isFull = true;
  assert.throws(() => state.put("setting", "kept", 2), /no space/);
  assert.throws(() => state.put("setting", "new", 2), /no space/);
  assert.throws(() => state.delete("setting", "other"), /no space/);
  assert.deepEqual([...state.all("setting")], [["kept", 1], ["other", "x"]]);
});
