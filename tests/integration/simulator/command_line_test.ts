import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simulateCommand } from "../../../src/cli/simulate.ts";
import { FAULT_FIELDS } from "../../../src/simulator/control/fault_notation.ts";
import { SimulatorControl } from "../../../src/simulator/control/client.ts";
import { RunningProgram, runProgram } from "./program.ts";
import { SshConnection } from "./ssh_client.ts";

const WRONG: readonly { args: string[]; message: RegExp }[] = [
  {
    args: ["--port", "http"],
    message: /--port is "http"; allowed: a whole number from 0 to 65535/,
  },
  { args: ["--copy-from", "deep"], message: /--copy-from is "deep"; allowed: independent-cow, / },
  { args: ["--slot-limit", "0"], message: /--slot-limit is "0"; allowed: none, or a whole number/ },
  { args: ["--pool-size", "big"], message: /--pool-size is "big"; allowed: bytes, or a size/ },
  { args: ["--user", "bob:root"], message: /--user is "root"; allowed: ssh, read, write/ },
  { args: ["--routeros", "6.49"], message: /--routeros is "6.49"; allowed: 7.20, 7.21/ },
  { args: ["--fault", "burn"], message: /--fault is "burn": unknown fault "burn"; allowed: / },
  { args: ["--latency", "read=fast"], message: /--latency is "read=fast"; allowed: name=number/ },
  { args: ["--latency", "write=1"], message: /unknown latency class "write"; allowed: handshake/ },
  { args: ["--lose-replies", "200%"], message: /--lose-replies is "200%": .*from 0 to 100/ },
  {
    args: ["--authorized-key", "/nowhere"],
    message: /--authorized-key is "\/nowhere"; allowed: a f/,
  },
  { args: ["--no-such-flag"], message: /unknown option '--no-such-flag'/ },
  {
    args: ["control", "status"],
    message: /--socket is ""; allowed: the path the simulator printed/,
  },
];

Deno.test("a wrong flag ends with code 2 and says what is allowed", async () => {
  for (const { args, message } of WRONG) {
    const { code, stdout, stderr } = await runProgram(...args);
    assert.match(stderr, message);
    assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: "" });
  }
});

Deno.test("--help shows every flag, fault and example, and ends with code 0", async () => {
  const { code, stdout } = await runProgram("--help");
  assert.equal(code, 0);
  const words = [...Object.keys(FAULT_FIELDS), "Examples:", "control [options]"];
  const missing = words.filter((word) => !stdout.includes(word));
  assert.deepEqual(missing, []);
});

Deno.test("every flag is explained in the help and named in the guide", async () => {
  const guide = await Deno.readTextFile(
    new URL("../../../docs/guides/simulator.md", import.meta.url),
  );
  const command = simulateCommand();
  const control = command.commands.find((sub) => sub.name() === "control");
  assert.ok(control !== undefined);
  for (const option of [...command.options, ...control.options]) {
    assert.ok(option.description !== "", `${option.flags} has no explanation`);
    assert.ok(guide.includes(option.long ?? ""), `the guide does not name ${option.long}`);
  }
  for (const sub of control.commands) {
    assert.ok(guide.includes(sub.name()), `the guide does not name "control ${sub.name()}"`);
  }
  for (const kind of Object.keys(FAULT_FIELDS)) {
    assert.ok(guide.includes(kind), `the guide does not name the fault ${kind}`);
  }
});

Deno.test("the program tells a parent how to log in, serves, and leaves nothing behind", async () => {
  await using program = await RunningProgram.start("--fault", "truncate:times=1,after-bytes=1");
  const { ready } = program;
  assert.match(ready.hostKeyFingerprint, /^SHA256:/);
  assert.match(ready.hostKey, /^ssh-ed25519 AAAA/);
  {
    await using control = await SimulatorControl.connect(ready.controlSocket);
    await using connection = await SshConnection.open({
      port: ready.port,
      privateKey: await Deno.readTextFile(ready.clientKey ?? ""),
    });
    assert.equal((await connection.exec(":put hello")).output, "h");
    assert.equal((await connection.exec(":put hello")).output, "hello\r\n");
    assert.equal((await control.counters()).commands, 2);
  }
  assert.equal(await program.stop(), 0);
  await assert.rejects(stat(ready.directory), { code: "ENOENT" });
});

Deno.test("what was written to a directory is there after the program was killed", async () => {
  const directory = await mkdtemp(join(tmpdir(), "simulator-test-"));
  const add = "/disk/add type=file slot=csi-a file-path=storage-pool/csi-a.img file-size=1048576";
  try {
    const outputs: string[] = [];
    for (const line of [add, ':put [/disk/get [find where slot="csi-a"] file-path]']) {
      await using program = await RunningProgram.start("--directory", directory);
      const privateKey = await Deno.readTextFile(join(directory, "client_key"));
      const connection = await SshConnection.open({ port: program.ready.port, privateKey });
      outputs.push((await connection.exec(line)).output);
      await connection[Symbol.asyncDispose]();
      await program.kill();
    }
    assert.match(outputs[1] ?? "", /storage-pool\/csi-a\.img\r\n$/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

Deno.test("a port or a directory in use is told in one line, with code 1", async () => {
  const directory = await mkdtemp(join(tmpdir(), "simulator-test-"));
  try {
    await using program = await RunningProgram.start("--directory", directory);
    const samePort = await runProgram("--port", String(program.ready.port));
    assert.match(samePort.stderr, /^error: Cannot start the simulator: .*address.* in use.*\n$/i);
    const sameDirectory = await runProgram("--directory", directory);
    assert.match(sameDirectory.stderr, /^error: Cannot start .*another simulator has it open\n$/);
    assert.deepEqual([samePort.code, sameDirectory.code], [1, 1]);
    await using control = await SimulatorControl.connect(program.ready.controlSocket);
    assert.equal((await control.status()).isUp, true, "the first one serves on");
  } finally {
    await rm(directory, { recursive: true });
  }
});

Deno.test("simulate control violations ends with code 1 when there is one", async () => {
  await using program = await RunningProgram.start();
  {
    await using connection = await SshConnection.open({
      port: program.ready.port,
      privateKey: await Deno.readTextFile(program.ready.clientKey ?? ""),
    });
    await connection.exec("/file/remove storage-pool/nixos/nixos-node1.img");
  }
  const { ready: { controlSocket } } = program;
  const { code, stdout } = await runProgram("control", "--socket", controlSocket, "violations");
  assert.match(stdout, /^file-removed-in-use: .*nixos-node1.*\n$/);
  assert.equal(code, 1);
});

Deno.test("simulate control shows and changes a running simulator", async () => {
  await using program = await RunningProgram.start();
  const control = (...args: string[]) =>
    runProgram("control", "--socket", program.ready.controlSocket, ...args);
  const status = await control("status");
  assert.match(status.stdout, new RegExp(`address +127\\.0\\.0\\.1 port ${program.ready.port}`));
  assert.match((await control("fault", "hang:times=2")).stdout, /waiting: hang:times=2/);
  assert.match((await control("clear")).stdout, /removed: hang:times=2/);
  assert.match((await control("latency", "read=5")).stdout, /read=5 /);
  assert.deepEqual(JSON.parse((await control("violations", "--json")).stdout), []);
  assert.match((await control("commands")).stdout, /^0 of 0 commands\n$/);
  const none = await control("violations");
  assert.deepEqual([none.code, none.stdout], [0, "no violations\n"]);
  const wrong = await control("fault", "burn");
  assert.match(wrong.stderr, /fault is "burn": unknown fault "burn"; allowed: /);
  assert.equal(wrong.code, 2);
  const nobody = await runProgram("control", "--socket", "/nowhere.sock", "status");
  assert.match(nobody.stderr, /Cannot connect to control socket "\/nowhere\.sock"/);
  assert.equal(nobody.code, 1);
});
