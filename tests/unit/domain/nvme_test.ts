import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkPort,
  isManagedNqn,
  nqnOf,
  parseNqn,
  portCandidates,
} from "../../../src/domain/nvme.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";

const ids = fc.uuid().map((uuid) => volumeIdForName(`pvc-${uuid}`));

Deno.test("nqnOf() gives a well-formed, managed NQN for every volume", () => {
  fc.assert(fc.property(ids, (id) => {
    const nqn = nqnOf(id);
    assert.equal(nqn, `nqn.2000-02.com.mikrotik:${id}`);
    assert.equal(parseNqn(nqn), nqn);
    assert.ok(isManagedNqn(nqn));
  }));
});

Deno.test("isManagedNqn() leaves alone what nodes boot from, and what only looks like ours", () => {
  const managed = nqnOf(volumeIdForName("v"));
  const foreign = [
    "nqn.2000-02.com.mikrotik:nixos-worker-1",
    "nqn.2014-08.org.nvmexpress.discovery",
    `${managed}x`,
    `x${managed}`,
    `${managed}\n`,
    managed.toUpperCase(),
    "nqn.2000-02.com.mikrotik:pvc-",
  ];
  for (const nqn of foreign) assert.ok(!isManagedNqn(nqn), nqn);
});

Deno.test("parseNqn() keeps the case, and refuses what is malformed or too long", () => {
  const upper = "nqn.2014-08.com.example:Disk-A";
  assert.equal(parseNqn(upper), upper);
  const start = "nqn.2014-08.com.example:";
  assert.notEqual(parseNqn(start + "a".repeat(223 - start.length)), undefined);
  for (const text of ["", "nqn.2014-08.com.example", start, `${start}a b`, `${start}a,b`]) {
    assert.equal(parseNqn(text), undefined, text);
  }
  assert.equal(parseNqn(start + "a".repeat(224 - start.length)), undefined);
});

Deno.test("portCandidates() are distinct, inside the range, and as many as asked or possible", () => {
  const ranges = fc.tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 0, max: 5_000 }))
    .map(([first, more]) => ({ first, last: Math.min(65_535, first + more) }));
  fc.assert(fc.property(ids, ranges, fc.integer({ min: 0, max: 300 }), (id, range, count) => {
    const ports = portCandidates(id, range, count);
    assert.equal(ports.length, Math.min(count, range.last - range.first + 1));
    assert.equal(new Set(ports).size, ports.length);
    assert.ok(ports.every((port) => port >= range.first && port <= range.last));
    assert.deepEqual(portCandidates(id, range, count), ports);
  }));
});

Deno.test("portCandidates() visit every port of a range in the end", () => {
  fc.assert(fc.property(ids, fc.integer({ min: 1, max: 200 }), (id, size) => {
    const range = { first: 44_200, last: 44_199 + size };
    const all = Array.from({ length: size }, (_, index) => 44_200 + index);
    assert.deepEqual(portCandidates(id, range, size).sort(), all);
  }));
});

Deno.test("portCandidates() rarely begin at the same place", () => {
  const range = { first: 44_200, last: 48_295 };
  const firsts = Array.from(
    { length: 200 },
    (_, index) => portCandidates(volumeIdForName(`v${index}`), range, 1)[0],
  );
  assert.ok(new Set(firsts).size > 180);
});

Deno.test("checkPort() takes 1 to 65535 and names what is wrong else", () => {
  for (const port of [1, 4420, 65_535]) assert.equal(checkPort(port, "nvmePort"), port);
  for (const port of [0, -1, 65_536, 1.5, NaN]) {
    assert.throws(() => checkPort(port, "nvmePort"), { code: "invalid", message: /nvmePort/ });
  }
});
