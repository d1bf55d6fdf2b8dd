import assert from "node:assert/strict";
import { byDefault, closest, defaultsOf, scalar } from "../../../src/config/field.ts";

const KEYS = ["port", "user", "address", "privateKeyFile", "minFreePercent"];
const GUESSES: { written: string; meant: string | undefined }[] = [
  { written: "prot", meant: "port" },
  { written: "Port", meant: "port" },
  { written: "adress", meant: "address" },
  { written: "private_key_file", meant: "privateKeyFile" },
  { written: "minFree", meant: undefined },
  { written: "password", meant: undefined },
  { written: "", meant: undefined },
];

for (const { written, meant } of GUESSES) {
  Deno.test(`closest() takes "${written}" for ${meant ?? "nothing we know"}`, () => {
    assert.equal(closest(written, KEYS), meant);
  });
}

Deno.test("defaultsOf() refuses a section with a key that has no default", () => {
  const key = scalar("A key.", "text", { kind: "required" }, String);
  assert.throws(() => defaultsOf({ key }), /Cannot default key: it is missing/);
  assert.deepEqual(defaultsOf({ key: { ...key, fallback: byDefault("x") } }).value, { key: "x" });
});
