import assert from "node:assert/strict";
import { join } from "node:path";
import { Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { serveCsi } from "../../../src/adapters/csi-grpc/server.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { StorageError, type StorageErrorCode } from "../../../src/domain/errors.ts";
import { call, openHarness } from "./harness.ts";

const PERMISSIONS = 0o777;

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "csi-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function refused(endpoint: string, code: StorageErrorCode, finding: RegExp): Promise<void> {
  const serving = serveCsi({ endpoint, services: [], observe: () => {}, clock: systemClock });
  await assert.rejects(serving, (error) => {
    assert.ok(error instanceof StorageError);
    assert.equal(error.code, code);
    assert.match(error.message, finding);
    return true;
  });
}

/** A socket file whose process was killed. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `const listener = Deno.listen({ transport: "unix", path: Deno.args[0] });
    console.log("up"); await listener.accept();`;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["eval", script, path],
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  process.kill("SIGKILL");
  await process.status;
  await reader.cancel();
  assert.ok((await Deno.lstat(path)).isSocket);
}

Deno.test("the socket is for its owner only", async () => {
  await using harness = await openHarness();
  const info = await Deno.lstat(harness.server.path);
  assert.ok(info.isSocket);
  assert.equal((info.mode ?? 0) & PERMISSIONS, 0o600);
});

Deno.test("the socket is for its owner and a group when one is given", async () => {
  const groupId = Deno.gid() ?? 0;
  await using harness = await openHarness({}, { groupId });
  const info = await Deno.lstat(harness.server.path);
  assert.equal((info.mode ?? 0) & PERMISSIONS, 0o660);
  assert.equal(info.gid, groupId);
});

Deno.test("nothing but the socket is in its directory, and nothing is left after close()", async () => {
  await using harness = await openHarness();
  const names = async (): Promise<string[]> =>
    (await Array.fromAsync(Deno.readDir(harness.directory))).map(({ name }) => name);
  assert.deepEqual(await names(), ["csi.sock"]);
  await harness.server.close();
  assert.deepEqual(await names(), []);
});

Deno.test("a socket that a dead process left is replaced", async () => {
  await withDirectory(async (directory) => {
    const endpoint = `unix://${join(directory, "csi.sock")}`;
    await leaveStaleSocket(join(directory, "csi.sock"));
    await using harness = await openHarness({}, { endpoint });
    assert.equal((await call(harness.client(), Identity.method.probe, {})).ready, true);
  });
});

Deno.test("a socket that is served is refused and goes on working", async () => {
  await using harness = await openHarness();
  await refused(
    harness.server.path,
    "in-use",
    /Cannot listen on .*csi\.sock: another process serves/,
  );
  assert.equal((await call(harness.client(), Identity.method.probe, {})).ready, true);
});

Deno.test("a file, a directory and a link in the place of the socket are refused and kept", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "file"), "precious");
    await Deno.mkdir(join(directory, "directory"));
    await Deno.symlink(join(directory, "elsewhere"), join(directory, "link"));
    for (const name of ["file", "directory", "link"]) {
      await refused(join(directory, name), "in-use", /not a socket is there; move it away/);
      await Deno.lstat(join(directory, name));
    }
    assert.equal(await Deno.readTextFile(join(directory, "file")), "precious");
  });
});

Deno.test("a missing directory is refused by name", async () => {
  await withDirectory(async (directory) => {
    const missing = join(directory, "missing");
    await refused(join(missing, "csi.sock"), "not-ready", /the directory .*missing does not exist/);
    await Deno.writeTextFile(join(directory, "file"), "");
    await refused(join(directory, "file", "csi.sock"), "not-ready", /Cannot listen on/);
  });
});

Deno.test("a TCP endpoint is refused", async () => {
  await refused("tcp://127.0.0.1:0", "invalid", /Unix socket only/);
});

Deno.test("close() leaves the socket of a successor alone", async () => {
  await using first = await openHarness();
  await Deno.remove(first.server.path);
  await using second = await openHarness({}, { endpoint: first.server.path });
  await first.server.close();
  assert.equal((await call(second.client(), Identity.method.probe, {})).ready, true);
});
