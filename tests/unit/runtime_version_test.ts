import assert from "node:assert/strict";
import { PINNED_DENO_VERSION, refusalOfRuntime } from "../../src/runtime_version.ts";

const CASES: { version: string; says: RegExp | undefined }[] = [
  { version: "1.46.3", says: /getDefaultSettings/ },
  { version: "2.6.10", says: /getDefaultSettings/ },
  { version: "2.7.14", says: undefined },
  { version: "2.9.3", says: undefined },
  { version: "2.9.4", says: /process aborts/ },
  { version: "2.9.5", says: /process aborts/ },
  { version: "2.9.6", says: /process aborts/ },
  { version: "2.9.6+1a2b3c4", says: /process aborts/ },
  { version: "2.9.7", says: undefined },
  { version: "3.0.0", says: undefined },
  { version: "nightly", says: /not a version/ },
];

for (const { version, says } of CASES) {
  const verb = says === undefined ? "accepts" : "refuses";
  Deno.test(`R1: refusalOfRuntime() ${verb} Deno ${version}`, () => {
    const refusal = refusalOfRuntime(version);
    if (says === undefined) return assert.equal(refusal, undefined);
    assert.match(refusal ?? "", says);
    assert.ok(refusal?.includes(version) && refusal.includes(PINNED_DENO_VERSION));
  });
}

Deno.test("the pinned version is one that is not refused", () => {
  assert.equal(refusalOfRuntime(PINNED_DENO_VERSION), undefined);
});
