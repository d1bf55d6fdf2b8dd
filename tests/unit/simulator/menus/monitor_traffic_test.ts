import assert from "node:assert/strict";
import { RouterOsError } from "../../../../src/simulator/menu.ts";
import { aBox, addDisk, call, itemsOf, objectOf } from "../box/console.ts";

Deno.test("monitor-traffic once prints one block of right-aligned counters", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "nvme-tcp-export": true });
  box.countTraffic("nqn.2000-02.com.mikrotik:a", { readOps: 1_243_401, readBytes: 1_600_000 });
  const { output } = call(box, "disk/monitor-traffic", { unnamed: ["a"], flags: ["once"] });
  const lines = output.split("\n");
  assert.equal(lines[0], "                  slot:         a");
  assert.equal(lines[1], "              read-ops: 1 243 401");
  assert.equal(lines[4], "             read-rate:  12.8Mbps");
  assert.equal(lines.length, 23);
});

Deno.test("monitor-traffic as-value answers raw numbers", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "nvme-tcp-export": true });
  box.countTraffic("nqn.2000-02.com.mikrotik:a", { writeBytes: 4096, writeOps: 1 });
  const flags = ["once", "as-value"];
  const { value, output } = call(box, "disk/monitor-traffic", { unnamed: ["a"], flags });
  const [block] = itemsOf(value);
  assert.equal(output, "");
  assert.equal(objectOf(block)["write-bytes"], 4096);
  assert.equal(objectOf(block)["write-rate"], 32768);
});

Deno.test("monitor-traffic without once repaints until the caller leaves", async () => {
  await using box = await aBox();
  const command = box.tree.command(["disk"], "monitor-traffic");
  const leaving = new AbortController();
  let output = "";
  const running = command?.run({
    session: { user: "admin", policies: new Set(), width: 80 },
    unnamed: ["storage-pool"],
    named: new Map(),
    unset: new Set(),
    flags: new Set(),
    where: () => true,
    signal: leaving.signal,
    print: (text) => output += text,
  });
  assert.ok(running instanceof Promise);
  assert.match(output, /slot: storage-pool/);
  leaving.abort();
  await assert.rejects(
    running,
    (error) => error instanceof RouterOsError && error.text === "interrupted",
  );
});
