import assert from "node:assert/strict";
import { Recent } from "../../../src/application/recent.ts";

Deno.test("Recent forgets what was set longest ago once it is full", () => {
  const recent = new Recent<number>(2);
  recent.set("a", 1);
  recent.set("b", 2);
  recent.set("a", 3);
  recent.set("c", 4);
  assert.deepEqual(["a", "b", "c"].map((key) => recent.get(key)), [3, undefined, 4]);
});

Deno.test("Recent forgets what it is told to", () => {
  const recent = new Recent<number>(1);
  recent.set("a", 1);
  recent.delete("a");
  recent.delete("b");
  assert.equal(recent.get("a"), undefined);
});
