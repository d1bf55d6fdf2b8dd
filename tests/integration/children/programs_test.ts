/** Programs as real children of a real process. */
import assert from "node:assert/strict";
import { openChildren } from "../../../src/adapters/children/children.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import type { ProgramCall } from "../../../src/ports/programs.ts";

const FOREVER = new AbortController().signal;
const PLENTY_MS = 20_000;

function runner(): ReturnType<typeof openChildren>["programs"] {
  return openChildren(systemClock, []).programs;
}

function aCall(program: string, ...args: string[]): ProgramCall {
  return { program, args, deadlineMs: PLENTY_MS, subject: "7:0" };
}

Deno.test("run() gives exit status and both outputs, and arguments arrive as they are", async () => {
  const script = 'printf "%s|" "$@"; echo no >&2; exit 3';
  const end = await runner().run(aCall("sh", "-c", script, "sh", "a b", "$HOME;*", ""), FOREVER);
  assert.deepEqual(end, { code: 3, stdout: "a b|$HOME;*||", stderr: "no\n" });
});

Deno.test("run() speaks English to its programs, whatever the language of the node is", async () => {
  const { stdout } = await runner().run(aCall("sh", "-c", "echo $LC_ALL"), FOREVER);
  assert.equal(stdout, "C\n");
});

Deno.test("run() passes the input on, and without one the program reads nothing", async () => {
  const programs = runner();
  const input = "b\na\n".repeat(50_000);
  const fed = await programs.run({ ...aCall("sort", "-u"), input }, FOREVER);
  assert.equal(fed.stdout, "a\nb\n");
  assert.equal((await programs.run(aCall("cat"), FOREVER)).stdout, "");
});

Deno.test("run() does not mind a program that reads none of its input", async () => {
  const input = "x".repeat(1_000_000);
  assert.equal((await runner().run({ ...aCall("true"), input }, FOREVER)).code, 0);
});

Deno.test("run() keeps the last 64 KiB of what a program says", async () => {
  const { stdout } = await runner().run(aCall("seq", "100000"), FOREVER);
  assert.equal(stdout.length, 64 * 1024);
  assert.ok(stdout.endsWith("\n99999\n100000\n"));
});

Deno.test("run() gives 128 and the signal's number for a program that a signal ended", async () => {
  assert.equal((await runner().run(aCall("sh", "-c", "kill -TERM $$"), FOREVER)).code, 143);
});

Deno.test("run() does not wait for a grandchild that holds the output open", async () => {
  const pidFile = await Deno.makeTempFile();
  const script = `sleep 60 & echo $! >${pidFile}; echo done`;
  const { stdout } = await runner().run(aCall("sh", "-c", script), FOREVER);
  assert.equal(stdout, "done\n");
  Deno.kill(Number(await Deno.readTextFile(pidFile)), "SIGKILL");
  await Deno.remove(pidFile);
});

Deno.test("run() says not-ready for a program that the node does not have", async () => {
  await assert.rejects(
    runner().run(aCall("mkfs.nosuch"), FOREVER),
    { code: "not-ready", message: "Cannot run mkfs.nosuch: this node has no such program" },
  );
});

Deno.test("run() kills a program at its deadline and leaves nothing behind", async () => {
  const programs = runner();
  const call = { ...aCall("sleep", "600"), deadlineMs: 50 };
  await assert.rejects(programs.run(call, FOREVER), (error: unknown) => {
    assert.ok(error instanceof StorageError);
    assert.equal(error.code, "unavailable");
    assert.equal(
      error.message,
      "Cannot run sleep for 7:0: it did not end in 0.05 s and was killed",
    );
    return true;
  });
  assert.deepEqual(programs.stuck(), []);
  assert.equal((await programs.run(aCall("true"), FOREVER)).code, 0);
});

Deno.test("run() kills a program when its caller gives up, with the caller's reason", async () => {
  const caller = new AbortController();
  const running = runner().run(aCall("sleep", "600"), caller.signal);
  caller.abort(new Error("the call was cancelled"));
  await assert.rejects(running, /the call was cancelled/);
});

Deno.test("a process that has children running ends at once when it wants to", async () => {
  const module = new URL("../../../src/adapters/children/children.ts", import.meta.url).href;
  const clock = new URL("../../../src/adapters/system/clock.ts", import.meta.url).href;
  const code = `
    const { openChildren } = await import(${JSON.stringify(module)});
    const { systemClock } = await import(${JSON.stringify(clock)});
    const call = { program: "sleep", args: ["5"], deadlineMs: 600_000, subject: "7:0" };
    void openChildren(systemClock, []).programs.run(call, new AbortController().signal);
    setTimeout(() => Deno.exit(7), 50);
  `;
  const started = performance.now();
  const { code: status } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    stdout: "null",
    stderr: "inherit",
  }).output();
  assert.equal(status, 7);
  assert.ok(performance.now() - started < 4500, "it waited for its child");
});
