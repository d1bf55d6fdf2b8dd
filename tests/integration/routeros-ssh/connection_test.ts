/** Finding, trusting, losing and finding again a box. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
import { StorageError } from "../../../src/domain/errors.ts";
import { aNewVolume } from "../../builders/stores.ts";
import { generateKeyPair } from "../../../src/simulator/server/key_pair.ts";
import { soon, startRig } from "./rig.ts";

const OTHER_PIN = `SHA256:${"A".repeat(43)}`;

/** Lets sockets be served. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

async function failureOf(work: Promise<unknown>): Promise<StorageError> {
  const error: unknown = await work.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof StorageError, `it did not fail as it should: ${error}`);
  return error;
}

Deno.test("a host key that is not pinned is refused, with both fingerprints and an event", async () => {
  await using rig = await startRig({}, { hostKeys: [OTHER_PIN] }, false);
  const shown = rig.simulator.hostKeyFingerprint;
  const error = await failureOf(rig.array.volumes.list(soon()));
  assert.equal(error.code, "not-ready");
  assert.ok(error.message.includes(OTHER_PIN) && error.message.includes(shown), error.message);
  const event = rig.events.find(({ kind }) => kind === "host-key-refused");
  assert.deepEqual(event, { kind: "host-key-refused", array: "rds-1", pinned: [OTHER_PIN], shown });
  assert.equal(rig.simulator.counters().logins, 0);
});

Deno.test("one of several pinned host keys is enough, as a key line too", async () => {
  await using rig = await startRig();
  await using array = rig.open({ hostKeys: [OTHER_PIN, rig.simulator.hostKeyLine] });
  await array.ready(soon());
});

Deno.test("a box with an RSA host key and a client with an RSA key understand each other", async () => {
  const pair = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 });
  const simulation = { hostKeyType: "rsa", authorizedKeys: pair.public } as const;
  await using rig = await startRig(simulation, { privateKey: { text: pair.private } });
  assert.deepEqual(await rig.array.volumes.list(soon()), []);
});

Deno.test("a key that the box does not know is refused, naming the user", async () => {
  const { privateText: text } = generateKeyPair("ed25519", "a stranger");
  await using rig = await startRig({}, { privateKey: { text } }, false);
  const error = await failureOf(rig.array.volumes.list(soon()));
  assert.equal(error.code, "not-ready");
  assert.match(error.message, /refuses the login of user "metal-csi"/);
});

Deno.test("a version below 7.21 is refused, naming it and what to do", async () => {
  await using rig = await startRig({ box: { version: "7.20.8" } }, {}, false);
  const error = await failureOf(rig.array.volumes.list(soon()));
  assert.equal(error.code, "not-ready");
  assert.match(error.message, /7\.20\.8.*7\.21.*upgrade/);
});

Deno.test("a box without the package rose-storage is refused, naming the package", async () => {
  await using rig = await startRig({ box: { storagePackage: false } }, {}, false);
  const error = await failureOf(rig.array.volumes.list(soon()));
  assert.equal(error.code, "not-ready");
  assert.match(error.message, /install the package rose-storage/);
});

Deno.test("a user who may not write is refused, naming the policies", async () => {
  const user = {
    ...{ name: "reader", group: "read", password: undefined, publicKeys: [] },
    policies: new Set(["ssh", "read"] as const),
  };
  await using rig = await startRig({ box: { users: [user] } }, { user: "reader" }, false);
  const error = await failureOf(rig.array.volumes.list(soon()));
  assert.equal(error.code, "not-ready");
  assert.match(error.message, /"reader" needs the policies ssh, read and write/);
});

Deno.test("what the box can do is found on connect, then tried out, shown and reported", async () => {
  await using rig = await startRig({ box: { version: "7.21.3", slotLimit: 45 } });
  const version = "7.21.3 (stable)";
  const found = { hasFileCopy: false, mayTest: true, sharesDisksByItself: true };
  const limits = { slotLengthMax: 40, commentLengthMax: 384 };
  assert.deepEqual(rig.array.features(), { version, ...found, ...limits });
  const probed = { kind: "array-probed", array: "rds-1", version };
  assert.deepEqual(rig.events.filter(({ kind }) => kind === "array-probed"), [
    { ...probed, features: found },
    { ...probed, features: { ...found, ...limits } },
  ]);
});

Deno.test("host names work as well as addresses", async () => {
  await using rig = await startRig();
  await using array = rig.open({ address: "localhost" });
  assert.deepEqual(await array.volumes.list(soon()), []);
});

Deno.test({
  name: "IPv6 literals work",
  ignore: !Object.values(networkInterfaces()).flat().some((one) => one?.address === "::1"),
  fn: async () => {
    await using rig = await startRig({ host: "::1" }, { address: "::1" });
    assert.deepEqual(await rig.array.volumes.list(soon()), []);
  },
});

Deno.test("a box that is down is found again when it is back, and calls fail at once meanwhile", async () => {
  await using rig = await startRig();
  await rig.simulator.addFault({ kind: "refuse-connections", times: 1 });
  const opened = rig.events.filter(({ kind }) => kind === "session-opened").length;
  await rig.simulator.reboot(0);
  await rig.until(() => rig.events.filter(({ kind }) => kind === "session-lost").length >= 2);
  assert.equal(rig.array.isReachable(), false);
  const error = await failureOf(rig.array.volumes.create(aNewVolume("v"), soon()));
  assert.equal(error.code, "unavailable");
  await rig.until(() => rig.events.filter(({ kind }) => kind === "session-opened").length > opened);
  const volume = await rig.array.volumes.create(aNewVolume("v"), soon());
  assert.deepEqual(await rig.array.volumes.list(soon()), [volume]);
  const lost = rig.events.flatMap((event) => event.kind === "session-lost" ? [event] : []);
  assert.ok(lost.some(({ retryInMs }) => retryInMs > 0), "no attempt waited");
});

Deno.test("a peer that accepts and never answers is given up at the deadline", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  await using rig = await startRig();
  await using array = rig.open({ port, timeouts: { dialMs: 100 } });
  const error = await failureOf(array.ready(soon()));
  assert.equal(error.code, "unavailable");
  assert.match(error.message, /longer than 100 ms/);
});

Deno.test("an aborted call frees its place, and its connection is never used again", async () => {
  await using rig = await startRig();
  const caller = new AbortController();
  const { array, simulator } = rig;
  await rig.simulator.addFault({ kind: "hang", times: 1 });
  const hanging = failureOf(array.volumes.create(aNewVolume("v"), caller.signal));
  const waiting = array.volumes.create(aNewVolume("w"), soon());
  while (simulator.status().faults.length > 0) await nextTurn();
  caller.abort();
  assert.equal((await hanging).code, "unavailable");
  assert.equal((await waiting).id, aNewVolume("w").id);
});

Deno.test("a hundred calls at once use three connections at most", async () => {
  await using rig = await startRig();
  const { volumes } = rig.array;
  const made = await Promise.all(
    Array.from({ length: 50 }, (_, at) => volumes.create(aNewVolume(`v${at % 10}`), soon())),
  );
  const found = await Promise.all(made.map(({ id }) => volumes.find(id, soon())));
  assert.deepEqual(found, made);
  assert.ok(rig.simulator.status().openConnections <= 3);
});
