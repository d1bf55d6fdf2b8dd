import assert from "node:assert/strict";
import {
  bitRate,
  groupedDigits,
  humanBytes,
  suffixDuration,
  timestamp,
} from "../../../../src/simulator/printing/human.ts";

Deno.test("humanBytes() takes the next unit only from five of it upwards", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [4096, "4096"],
    [8.9 * 1024, "8.9KiB"],
    [4307.7 * 1024, "4307.7KiB"],
    [1924.1 * 1024, "1924.1KiB"],
    [1024 ** 3, "1024.0MiB"],
    [1024 ** 4, "1024.0GiB"],
    [10 * 1024 ** 3, "10.0GiB"],
    [50 * 1024 ** 3, "50.0GiB"],
    [5 * 1024 ** 4, "5.0TiB"],
  ];
  for (const [bytes, text] of cases) assert.equal(humanBytes(bytes), text);
});

Deno.test("groupedDigits() puts a blank between groups of three", () => {
  assert.equal(groupedDigits(0), "0");
  assert.equal(groupedDigits(999), "999");
  assert.equal(groupedDigits(53_687_091_200), "53 687 091 200");
});

Deno.test("bitRate() uses decimal prefixes", () => {
  assert.equal(bitRate(0), "0bps");
  assert.equal(bitRate(12_800_000), "12.8Mbps");
});

Deno.test("suffixDuration() is the form of print, with units", () => {
  assert.equal(suffixDuration(0), "0s");
  assert.equal(suffixDuration(((2 * 24 + 5) * 60 + 16) * 60_000), "2d5h16m");
  assert.equal(suffixDuration(8 * 86_400_000 + 3000), "1w1d3s");
});

Deno.test("timestamp() is a plain date and time", () => {
  assert.equal(timestamp(Date.UTC(2025, 10, 11, 14, 32, 41)), "2025-11-11 14:32:41");
});
