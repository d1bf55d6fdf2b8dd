import assert from "node:assert/strict";
import { add, concluded, namesFailure, tallyOfLine, verdict } from "../../../tools/ci/tally.ts";

const LINES: { line: string; passed: number; failed: number; skipped: number }[] = [
  { line: "ok | 36 passed | 0 failed (298ms)", passed: 36, failed: 0, skipped: 0 },
  { line: "FAILED | 23 passed | 1 failed (178ms)", passed: 23, failed: 1, skipped: 0 },
  { line: "ok | 3 passed (7 steps) | 0 failed | 2 ignored (1s)", passed: 3, failed: 0, skipped: 2 },
  { line: "FAILED | 0 passed | 4 failed (2 steps) (1s)", passed: 0, failed: 4, skipped: 0 },
  { line: "  90 passed, 0 failed, 6 skipped", passed: 90, failed: 0, skipped: 6 },
  { line: "6 passed, 0 failed", passed: 0, failed: 0, skipped: 0 },
  { line: "create() says: 5 passed, 1 failed", passed: 0, failed: 0, skipped: 0 },
  { line: "", passed: 0, failed: 0, skipped: 0 },
];

for (const { line, ...tally } of LINES) {
  Deno.test(`tallyOfLine() counts "${line}"`, () => {
    assert.deepEqual(tallyOfLine(line), tally);
  });
}

Deno.test("tallyOfLine() reads through colours", () => {
  const escape = String.fromCharCode(27);
  const line = `${escape}[32mok${escape}[0m | 5 passed | 0 failed ${escape}[90m(2ms)${escape}[0m`;
  assert.equal(tallyOfLine(line).passed, 5);
});

const NAMING: Readonly<Record<string, boolean>> = {
  "it keeps a promise ... FAILED (12ms)": true,
  "6.12 F8 ... FAILED (46 s) Cannot find the device": true,
  "6.1: 3 scenarios failed together: Error: no boot": true,
  "  ! 2 specs failed that must pass": true,
  "it keeps a promise ... ok (12ms)": false,
  "it finds a FAILED line ... FAILED (12ms) ... ok (3ms)": false,
  "FAILED | 23 passed | 1 failed (178ms)": false,
};

for (const [line, isNaming] of Object.entries(NAMING)) {
  Deno.test(`namesFailure() is ${isNaming} of "${line}"`, () => {
    assert.equal(namesFailure(line), isNaming);
  });
}

const STEPS: {
  name: string;
  passed: number;
  failed: number;
  isOk: boolean;
  countsTests: boolean;
  says: string;
}[] = [
  {
    name: "a good run",
    passed: 5,
    failed: 0,
    isOk: true,
    countsTests: true,
    says: "5 passed, 0 failed",
  },
  {
    name: "a failed test",
    passed: 5,
    failed: 2,
    isOk: false,
    countsTests: true,
    says: "5 passed, 2 failed",
  },
  {
    name: "a failure beside the tests",
    passed: 5,
    failed: 0,
    isOk: false,
    countsTests: true,
    says: "5 passed, 1 failed",
  },
  {
    name: "no tests at all",
    passed: 0,
    failed: 0,
    isOk: true,
    countsTests: true,
    says: "0 passed, 1 failed",
  },
  {
    name: "a demo that went well",
    passed: 0,
    failed: 0,
    isOk: true,
    countsTests: false,
    says: "1 passed, 0 failed",
  },
  {
    name: "a demo that did not",
    passed: 0,
    failed: 0,
    isOk: false,
    countsTests: false,
    says: "0 passed, 1 failed",
  },
];

for (const { name, passed, failed, says, ...step } of STEPS) {
  Deno.test(`concluded() counts ${name} as ${says}`, () => {
    assert.equal(verdict(concluded({ passed, failed, skipped: 0 }, step)), says);
  });
}

Deno.test("concluded() lets a machine skip all that it cannot do", () => {
  const step = { isOk: true, countsTests: true };
  const skipped = concluded({ passed: 0, failed: 0, skipped: 3 }, step);
  assert.equal(verdict(skipped), "0 passed, 0 failed, 3 skipped");
});

Deno.test("verdict() names what was skipped", () => {
  const total = add({ passed: 1, failed: 0, skipped: 2 }, { passed: 4, failed: 0, skipped: 1 });
  assert.equal(verdict(total), "5 passed, 0 failed, 3 skipped");
});
