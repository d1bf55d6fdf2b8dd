import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimulatorControl } from "../../../src/simulator/control/client.ts";
import { generateKeyPair } from "../../../src/simulator/server/key_pair.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import type { SimulatorOptions } from "../../../src/simulator/simulator_options.ts";
import { LostConnection, SshConnection, until } from "./ssh_client.ts";

const KEY = generateKeyPair("ed25519", "test");
const ADD = "/disk/add type=file slot=csi-a file-path=storage-pool/csi-a.img file-size=1073741824";
const COUNT = ':put [:len [/disk/find where slot="csi-a"]]';

Deno.test("a disk added over SSH is there, and an error is printed with exit status 0", async () => {
  await using simulator = await start();
  await using connection = await connect(simulator);
  assert.deepEqual(await connection.exec(ADD), { output: "", exitStatus: 0 });
  assert.equal((await connection.exec(COUNT)).output, "1\r\n");
  const again = await connection.exec(ADD);
  assert.match(again.output, /^failure: .*\r\n$/);
  assert.equal(again.exitStatus, 0);
});

Deno.test("an error ends with exit status 1 in the mode that says so", async () => {
  await using simulator = await start({ exitStatusOnError: 1 });
  await using connection = await connect(simulator);
  for (const line of ["/disk/nonsense", ':error "no"', ":put 1\n:put 2"]) {
    assert.equal((await connection.exec(line)).exitStatus, 1, line);
  }
  assert.equal((await connection.exec(":put 1")).exitStatus, 0);
});

Deno.test("the second line of a command is refused, the first ran", async () => {
  await using simulator = await start();
  await using connection = await connect(simulator);
  const { output } = await connection.exec(":put one\n:put two");
  assert.match(output, /^one\r\n.*syntax error.*\r\n$/s);
});

Deno.test("a command too long for a packet ends its connection and no other", async () => {
  await using simulator = await start();
  await using connection = await connect(simulator);
  const text = "x".repeat(30_000);
  assert.equal((await connection.exec(`:put "${text}"`)).output, `${text}\r\n`);
  await using doomed = await connect(simulator);
  await assert.rejects(doomed.exec(`:put "${"x".repeat(1_000_000)}"`), LostConnection);
  assert.equal((await connection.exec(":put alive")).output, "alive\r\n");
});

Deno.test("garbage and depth are refused with words of the console", async () => {
  await using simulator = await start();
  await using connection = await connect(simulator);
  const lines = [
    "\u0001\u0002\u001b[2J",
    "(".repeat(10_000),
    "{".repeat(10_000),
    ':put "$['.repeat(2000),
  ];
  for (const line of lines) {
    const { output, exitStatus } = await connection.exec(line);
    assert.match(output, /^syntax error \(line 1 column \d+\)\r\n$/);
    assert.equal(exitStatus, 0);
  }
  const pattern = ':put [:len [/disk/find where slot~"^(([a-z]+)*)*!"]]';
  assert.equal((await connection.exec(pattern)).output, "0\r\n");
});

Deno.test("a variable does not outlive its command", async () => {
  await using simulator = await start();
  await using connection = await connect(simulator);
  const line = ':global answer; :put "<$answer>"; :set answer 42; :put "<$answer>"';
  for (const _ of [1, 2]) assert.equal((await connection.exec(line)).output, "<>\r\n<42>\r\n");
});

Deno.test("the width of a login suffix is the width that print wraps at", async () => {
  await using simulator = await start();
  const widths: number[] = [];
  for (const username of ["admin", "admin+ct300w"]) {
    await using connection = await connect(simulator, username);
    const { output } = await connection.exec("/disk/print detail");
    widths.push(Math.max(...output.split("\r\n").map((line) => line.length)));
  }
  const [narrow = 0, wide = 0] = widths;
  assert.ok(narrow <= 80, `without a suffix the longest line has ${narrow} characters`);
  assert.ok(wide > 80, `with 300w the longest line has ${wide} characters`);
});

Deno.test("a user may log in by password, and may do only what the policies say", async () => {
  await using simulator = await startSimulator({
    password: "secret",
    box: {
      users: [{
        name: "viewer",
        group: "viewer",
        policies: new Set(["ssh", "read"]),
        password: undefined,
        publicKeys: [],
      }],
    },
  });
  await using connection = await SshConnection.open({
    port: simulator.port,
    username: "viewer",
    password: "secret",
  });
  assert.match((await connection.exec(ADD)).output, /not enough permissions \(9\)/);
  assert.equal((await connection.exec(COUNT)).output, "0\r\n");
});

Deno.test("a lost reply leaves the change on the box", async () => {
  await using simulator = await start({ faults: [{ kind: "reset-after", times: 1, on: ["add"] }] });
  {
    await using connection = await connect(simulator);
    await assert.rejects(connection.exec(ADD), LostConnection);
  }
  await using connection = await connect(simulator);
  assert.equal((await connection.exec(COUNT)).output, "1\r\n");
});

Deno.test("the control socket adds and clears faults, and lists commands", async () => {
  await using simulator = await start();
  await using control = await SimulatorControl.connect(simulator.control);
  await using connection = await connect(simulator);
  assert.deepEqual(await control.addFault({ kind: "truncate", times: 2, afterBytes: 2 }), [
    { kind: "truncate", times: 2, afterBytes: 2 },
  ]);
  assert.equal((await connection.exec(":put hello")).output, "he");
  assert.deepEqual((await control.status()).struck, { truncate: 1 });
  assert.deepEqual(await control.clearFaults(), [{ kind: "truncate", times: 1, afterBytes: 2 }]);
  assert.equal((await connection.exec(":put hello")).output, "hello\r\n");
  await connection.exec(ADD);
  const { count, commands } = await control.commands({ last: 2 });
  assert.equal(count, 3);
  assert.deepEqual(
    commands.map(({ sequence, class: lineClass, line, outcome }) => ({
      sequence,
      lineClass,
      line,
      outcome,
    })),
    [
      { sequence: 2, lineClass: "read", line: ":put hello", outcome: "answered" },
      { sequence: 3, lineClass: "add", line: ADD, outcome: "answered" },
    ],
  );
  assert.deepEqual((await control.commands({ since: 2 })).commands.map(({ line }) => line), [ADD]);
  assert.deepEqual((await control.counters()).commandsByClass, {
    read: 2,
    add: 1,
    change: 0,
    remove: 0,
  });
});

Deno.test("the control socket changes the latency and refuses nonsense with a reason", async () => {
  await using simulator = await start();
  await using control = await SimulatorControl.connect(simulator.control);
  assert.equal((await control.setLatency({ read: 30 })).read, 30);
  await using connection = await connect(simulator);
  await connection.exec(":put 1");
  const [command] = (await control.commands()).commands;
  assert.ok((command?.durationMs ?? 0) >= 30, `it took ${command?.durationMs} ms`);
  await assert.rejects(
    control.setLatency({ read: -1 }),
    /refused "latency": latency of "read" is -1/,
  );
  await assert.rejects(
    control.addFault({ kind: "hang", times: 0 }),
    /"times" of fault "hang" is 0/,
  );
  assert.equal((await control.status()).latency.read, 30);
});

Deno.test("disk-full fails a create until it is cleared", async () => {
  await using simulator = await start();
  await using control = await SimulatorControl.connect(simulator.control);
  await using connection = await connect(simulator);
  await control.addFault({ kind: "disk-full", freeBytes: 1024 });
  assert.match((await connection.exec(ADD)).output, /not enough space/);
  assert.deepEqual(await control.clearFaults(), [{ kind: "disk-full", freeBytes: 1024 }]);
  assert.equal((await connection.exec(ADD)).output, "");
});

Deno.test("a reboot drops everyone, keeps the disks and lets nobody in until it is over", async () => {
  await using simulator = await start();
  await using control = await SimulatorControl.connect(simulator.control);
  const connection = await connect(simulator);
  await connection.exec(ADD);
  const lost = assert.rejects(connection.exec(":delay 60s"));
  await until(async () => (await control.counters()).commandsByOutcome.running === 1);
  await control.reboot(2);
  await lost;
  assert.equal((await control.status()).isUp, false);
  await assert.rejects(connect(simulator));
  await until(async () => (await control.status()).isUp);
  await using again = await connect(simulator);
  assert.equal((await again.exec(COUNT)).output, "1\r\n");
});

Deno.test("violations are seen over the control socket", async () => {
  await using simulator = await start();
  await using control = await SimulatorControl.connect(simulator.control);
  assert.deepEqual(await control.violations(), []);
  await using connection = await connect(simulator);
  await connection.exec(ADD);
  await connection.exec('/file/remove [/file/find where name="storage-pool/csi-a.img"]');
  const violations = await control.violations();
  assert.deepEqual(violations.map(({ kind }) => kind), ["file-removed-in-use"]);
  assert.equal((await control.status()).violations, 1);
});

Deno.test("a simulator started again on its directory is the same host with the same disks", async () => {
  const directory = await mkdtemp(join(tmpdir(), "simulator-test-"));
  try {
    const fingerprints: string[] = [];
    for (const found of ["0", "1"]) {
      await using simulator = await start({ directory });
      await using connection = await connect(simulator);
      assert.equal((await connection.exec(COUNT)).output, `${found}\r\n`);
      if (found === "0") await connection.exec(ADD);
      fingerprints.push(simulator.hostKeyFingerprint);
    }
    assert.equal(fingerprints[0], fingerprints[1]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

function start(options: SimulatorOptions = {}): Promise<Simulator> {
  return startSimulator({ authorizedKeys: KEY.publicLine, ...options });
}

function connect(simulator: Simulator, username = "admin"): Promise<SshConnection> {
  return SshConnection.open({ port: simulator.port, username, privateKey: KEY.privateText });
}
