import assert from "node:assert/strict";
import type { CommandFault } from "../../../src/simulator/faults.ts";
import { fingerprintOf, newHostKey } from "../../../src/simulator/server/host_key.ts";
import { NO_LATENCY } from "../../../src/simulator/server/latency.ts";
import { ServerFixture } from "./server_fixture.ts";
import { LostConnection, SshConnection } from "./ssh_client.ts";

interface FaultCase {
  readonly fault: CommandFault;
  readonly ran: boolean;
  readonly output: string;
  readonly outcome: string;
}

const LOSING: readonly FaultCase[] = [
  { fault: { kind: "reset-before", times: 1 }, ran: false, output: "", outcome: "not-run" },
  { fault: { kind: "reset-after", times: 1 }, ran: true, output: "", outcome: "reply-lost" },
  {
    fault: { kind: "reset-middle", times: 1, afterBytes: 3 },
    ran: true,
    output: "hel",
    outcome: "reply-lost",
  },
];

for (const { fault, ran, output, outcome } of LOSING) {
  Deno.test(`${fault.kind} loses the connection; the command ${ran ? "ran" : "never ran"}`, async () => {
    await using fixture = await ServerFixture.start();
    fixture.plan.add(fault);
    {
      await using connection = await fixture.connect();
      const lost = await connection.exec("say hello").then(
        (result) => assert.fail(`it was answered: ${JSON.stringify(result)}`),
        (error) => error,
      );
      assert.ok(lost instanceof LostConnection, String(lost));
      assert.equal(lost.output, output);
    }
    await fixture.server.idle();
    assert.deepEqual(fixture.ran, ran ? ["say hello"] : []);
    assert.equal(fixture.log.records(1)[0]?.outcome, outcome);
    await using again = await fixture.connect();
    assert.equal((await again.exec("say hello")).output, "hello\r\n", "the fault struck once");
  });
}

Deno.test("truncate cuts the output, and the channel ends as if nothing happened", async () => {
  await using fixture = await ServerFixture.start();
  fixture.plan.add({ kind: "truncate", times: 2, afterBytes: 4 });
  await using connection = await fixture.connect();
  for (const _ of [1, 2]) {
    assert.deepEqual(await connection.exec("say hello"), { output: "hell", exitStatus: 0 });
  }
  assert.equal((await connection.exec("say hello")).output, "hello\r\n");
});

for (const kind of ["hang", "hang-after"] as const) {
  Deno.test(`${kind} never answers, and the connection still serves other commands`, async () => {
    await using fixture = await ServerFixture.start();
    fixture.plan.add({ kind, times: 1 });
    const connection = await fixture.connect();
    const hanging = connection.exec("say hello");
    await fixture.until(({ log }) => log.counters().commands === 1);
    assert.equal((await connection.exec("say other")).output, "other\r\n");
    assert.equal(fixture.ran.includes("say hello"), kind === "hang-after");
    connection.drop();
    await assert.rejects(hanging);
    await fixture.server.idle();
  });
}

Deno.test("half-open neither answers nor closes, and holds no session", async () => {
  await using fixture = await ServerFixture.start({ maxSessions: 1 });
  fixture.plan.add({ kind: "half-open", times: 1 });
  const dead = await fixture.connect();
  const first = dead.exec("say hello");
  await fixture.until(({ log }) => log.counters().commands === 1);
  const second = dead.exec("say other");
  await using alive = await fixture.connect();
  assert.equal((await alive.exec("say hello")).output, "hello\r\n");
  assert.deepEqual(fixture.ran, ["say hello"], "only the living connection ran its command");
  assert.equal(dead.socket.destroyed, false);
  dead.drop();
  await assert.rejects(first);
  await assert.rejects(second);
});

Deno.test("refuse-connections resets so many connections and lets the next in", async () => {
  await using fixture = await ServerFixture.start();
  fixture.plan.add({ kind: "refuse-connections", times: 2 });
  await assert.rejects(fixture.connect());
  await assert.rejects(fixture.connect());
  await using _third = await fixture.connect();
  assert.equal(fixture.log.counters().refused, 2);
});

Deno.test("wrong-host-key shows another key of the same type, once", async () => {
  const hostKey = newHostKey("ed25519");
  await using fixture = await ServerFixture.start({ hostKey });
  fixture.plan.add({ kind: "wrong-host-key", times: 1 });
  const seen: string[] = [];
  for (const _ of [1, 2]) {
    const refused = SshConnection.open({
      port: fixture.server.port,
      acceptHostKey: (blob) => {
        seen.push(fingerprintOf(blob));
        return false;
      },
    });
    await assert.rejects(refused, /Host denied/);
  }
  assert.notEqual(seen[0], hostKey.fingerprint);
  assert.equal(seen[1], hostKey.fingerprint);
});

Deno.test("session-limit turns further connections away until it is cleared", async () => {
  await using fixture = await ServerFixture.start();
  fixture.plan.add({ kind: "session-limit", limit: 1 });
  await using _first = await fixture.connect();
  await assert.rejects(fixture.connect());
  fixture.plan.clear();
  await using _second = await fixture.connect();
});

Deno.test("a box that is down resets its connections, stops commands and comes up again", async () => {
  await using fixture = await ServerFixture.start();
  const connection = await fixture.connect();
  const lost = assert.rejects(connection.exec("wait 60000"));
  await fixture.until(({ log }) => log.counters().commands === 1);
  await fixture.server.goDown();
  await lost;
  await assert.rejects(fixture.connect());
  fixture.server.goUp();
  await using again = await fixture.connect();
  assert.equal((await again.exec("say hello")).output, "hello\r\n");
  assert.equal(fixture.log.records(2)[0]?.outcome, "aborted");
});

Deno.test("latency is taken by the class of the command", async () => {
  await using fixture = await ServerFixture.start();
  fixture.latency = { ...NO_LATENCY, add: 600 };
  await using connection = await fixture.connect();
  await connection.exec('/disk/print where slot="add"');
  await connection.exec("/disk/add type=file");
  const [read, add] = fixture.log.records(2);
  assert.ok(read !== undefined && add !== undefined);
  assert.ok(read.durationMs < 500, `the read took ${read.durationMs} ms`);
  assert.ok(add.durationMs >= 600, `the add took ${add.durationMs} ms`);
});

Deno.test("a fault strikes only commands of its classes, after those it lets pass", async () => {
  await using fixture = await ServerFixture.start();
  fixture.plan.add({ kind: "truncate", times: 1, afterBytes: 1, on: ["add"], skip: 1 });
  await using connection = await fixture.connect();
  const outputs: string[] = [];
  for (const line of ["/a/add", "/a/print", "/a/add", "/a/add"]) {
    outputs.push((await connection.exec(line)).output);
  }
  assert.deepEqual(outputs, ["/a/add\r\n", "/a/print\r\n", "/", "/a/add\r\n"]);
});

Deno.test("lose-replies loses the same replies for the same seed, about so many in a hundred", async () => {
  const first = await lostReplies(7);
  assert.deepEqual(await lostReplies(7), first);
  assert.notDeepEqual(await lostReplies(8), first);
  assert.ok(first.length >= 5 && first.length <= 40, `${first.length} of 60 were lost`);
});

/** Which of 60 commands lost their reply at 30 %. */
async function lostReplies(seed: number): Promise<number[]> {
  await using fixture = await ServerFixture.start();
  fixture.plan.add({ kind: "lose-replies", percent: 30, seed });
  const lost: number[] = [];
  let connection = await fixture.connect();
  for (let command = 0; command < 60; command += 1) {
    try {
      await connection.exec(`say ${command}`);
    } catch {
      lost.push(command);
      await connection[Symbol.asyncDispose]();
      connection = await fixture.connect();
    }
  }
  await connection[Symbol.asyncDispose]();
  assert.equal(fixture.ran.length, 60, "every command ran, answered or not");
  return lost;
}
