/** Whom the shipped controller trusts, with which keys, and what it never tells. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
import { Controller } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { install } from "./installation.ts";
import { refused } from "./refusals.ts";
import { createVolume, mount, volumeRequest } from "./requests.ts";

const OTHER_PIN = `SHA256:${"B".repeat(43)}`;
const CANARY = "canary-7f3e9b";

Deno.test("a box with another host key is refused, and the log has both fingerprints", async () => {
  await using shipped = await install({
    boxes: { main: { settings: { hostKeys: [OTHER_PIN] } } },
  });
  const { client } = shipped;
  const shown = shipped.box().ready.hostKeyFingerprint;
  const text = await refused(
    client.call(Controller.method.createVolume, volumeRequest("a")),
    "FAILED_PRECONDITION",
    /Cannot use array "main" at 127\.0\.0\.1 port \d+: it shows host key SHA256:.*, and pinned is SHA256:B/,
  );
  assert.ok(text.includes(shown), text);
  const event = await shipped.logged("host-key-refused");
  assert.equal(event.level, "ERROR");
  assert.deepEqual([event["shown"], event["pinned"]], [shown, [OTHER_PIN]]);
  assert.ok(event.message.includes(shown) && event.message.includes(OTHER_PIN));
  const { commands } = await shipped.box().control.commands();
  assert.deepEqual(commands, [], "nothing is sent to a box that is not the one we know");
});

Deno.test("a box whose host key changes is not used until it shows a pinned key again", async () => {
  await using shipped = await install({
    boxes: { main: { flags: ["--fault", "wrong-host-key:times=2"] } },
  });
  await shipped.logged("host-key-refused");
  await shipped.logged("session-opened");
  await createVolume(shipped.client, "a");
});

Deno.test("a further session is refused like the first when it meets another host key", async () => {
  await using shipped = await install({
    boxes: { main: { settings: { connections: { reads: 8 } } } },
  });
  const { client } = shipped;
  // Several calls at once need several sessions.
  const { control } = shipped.box();
  await control.setLatency({ read: 200 });
  await shipped.logged("copy-probed");
  // The driver's own look for left-overs may meet one.
  await control.addFault({ kind: "wrong-host-key", times: 2 });
  const calls = Array.from({ length: 8 }, () => client.call(Controller.method.getCapacity, {}));
  await refused(
    Promise.all(calls),
    "FAILED_PRECONDITION",
    /it shows host key SHA256:.*, and pinned is SHA256:/,
  );
  await Promise.allSettled(calls);
  await shipped.logged("host-key-refused");
  await client.call(Controller.method.getCapacity, {});
});

Deno.test("during a change of host keys either pinned one is accepted", async () => {
  await using shipped = await install({ startsController: false });
  const { hostKeyFingerprint } = shipped.box().ready;
  const hostKey = JSON.parse(await Deno.readTextFile(join(shipped.directory, "main/simulator.log")))
    .hostKey;
  for (const hostKeys of [[OTHER_PIN, hostKeyFingerprint], [OTHER_PIN, hostKey]]) {
    await shipped.writeConfig({ main: { hostKeys } });
    const controller = await shipped.startController();
    await createVolume(shipped.client, "a");
    await controller.end("SIGTERM");
  }
});

for (const type of ["rsa", "ed25519"]) {
  Deno.test(`a box with a host key of type ${type} takes an RSA client key of 2048 bits`, async () => {
    await using shipped = await install({
      boxes: { main: { flags: ["--host-key-type", type] } },
      privateKey: rsaKey(2048),
    });
    await createVolume(shipped.client, "a");
  });
}

const UNUSABLE_KEYS: { name: string; key: () => string; says: RegExp }[] = [
  {
    name: "an RSA key of 1024 bits",
    key: () => rsaKey(1024).text,
    says: /an RSA key of 1024 bits/,
  },
  {
    name: "an ECDSA key",
    key: () => ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }).private,
    says: /type ecdsa-sha2-nistp256, which RouterOS refuses; an Ed25519 key/,
  },
  {
    name: "a key with a passphrase",
    key: () => {
      const how = { passphrase: "x", cipher: "aes256-ctr", rounds: 4 };
      return ssh2.utils.generateKeyPairSync("ed25519", how).private;
    },
    says: /no passphrase is given \(ssh-keygen -p takes it off\)/,
  },
  { name: "a file without a key", key: () => "hello", says: /no private key in OpenSSH or PEM/ },
];

for (const { name, key, says } of UNUSABLE_KEYS) {
  Deno.test(`the controller does not start with ${name}, and names the file`, async () => {
    await using shipped = await install({ startsController: false });
    const path = join(shipped.directory, "unusable-key");
    await Deno.writeTextFile(path, key());
    await shipped.writeConfig({ main: { privateKeyFile: path } });
    assert.equal((await shipped.launchController().ended()).code, 2);
    const text = await shipped.logText();
    assert.ok(
      text.startsWith(
        `rds-csi: Cannot use the configuration: backends[0].privateKeyFile: "${path}" is of no use: `,
      ),
      text,
    );
    assert.match(text, says);
  });
}

Deno.test("every problem of a configuration is named at once, and nothing listens", async () => {
  await using shipped = await install({
    startsController: false,
    config: { clusterId: "Not Allowed", log: { level: "loud" }, colour: "red" },
    boxes: { main: { settings: { port: 0, basePath: "relative", timeouts: { dialSeconds: 0 } } } },
  });
  assert.equal((await shipped.launchController().ended()).code, 2);
  const text = await shipped.logText();
  for (
    const says of [
      /clusterId: "Not Allowed" is not allowed: write 1 to 16 of a-z, 0-9 and -/,
      /log\.level: "loud" is not allowed: write debug \| info \| warning \| error/,
      /colour: there is no such key: write one of clusterId/,
      /backends\[0\]\.port: 0 is not allowed: write a whole number from 1 to 65535/,
      /backends\[0\]\.basePath: "relative" is not allowed: write an absolute path/,
      /backends\[0\]\.timeouts\.dialSeconds: 0 is not allowed: write a whole number from 1 to 60/,
    ]
  ) assert.match(text, says);
  await assert.rejects(Deno.lstat(shipped.socket), Deno.errors.NotFound);
});

Deno.test("a secret of a request is in no line of the log, also when calls fail", async () => {
  await using shipped = await install({ controllerFlags: ["--log-level", "debug"], hasNode: true });
  const { client } = shipped;
  const secrets = { password: CANARY };
  const { volumeId } = await createVolume(client, "a", { secrets });
  const refuse = async (call: Promise<unknown>): Promise<void> => {
    const error = await call.then(() => undefined, (thrown: Error) => thrown);
    assert.ok(error !== undefined);
    assert.ok(!error.message.includes(CANARY), error.message);
  };
  const { createVolume: create, controllerPublishVolume, controllerExpandVolume } =
    Controller.method;
  await refuse(client.call(create, volumeRequest("b", { secrets, parameters: { colour: "red" } })));
  await refuse(
    client.call(controllerPublishVolume, {
      ...{ volumeId, secrets, nodeId: "no node of ours", volumeCapability: mount() },
    }),
  );
  await refuse(client.call(controllerExpandVolume, { volumeId: "pvc-none", secrets }));
  await refuse(
    client.call(Controller.method.createSnapshot, { name: "s", sourceVolumeId: "none", secrets }),
  );
  await refuse(client.call(Controller.method.listSnapshots, { startingToken: "none", secrets }));
  await client.call(Controller.method.deleteVolume, { volumeId, secrets });
  const lines = await shipped.log();
  assert.ok(lines.filter(({ event }) => event === "rpc-finished").length >= 7);
  const text = await shipped.logText();
  assert.ok(!text.includes(CANARY));
  const key = await Deno.readTextFile(join(shipped.directory, "key"));
  const [, secondLine = ""] = key.split("\n");
  assert.ok(secondLine.length > 20 && !text.includes(secondLine));
});

Deno.test("the socket is its owner's, or a group's too when that is asked for", async () => {
  await using stack = new AsyncDisposableStack();
  const own = stack.use(await install());
  assert.equal(((await Deno.lstat(own.socket)).mode ?? 0) & 0o777, 0o600);
  const gid = String(Deno.gid() ?? 0);
  const shared = stack.use(await install({ controllerFlags: ["--socket-group", gid] }));
  const { mode, gid: group } = await Deno.lstat(shared.socket);
  assert.deepEqual([(mode ?? 0) & 0o777, String(group)], [0o660, gid]);
});

Deno.test("a socket left by a crash is replaced, and one that is served is left alone", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const first = shipped.controller;
  const second = shipped.launchController();
  assert.equal((await second.ended()).code, 1);
  assert.match(
    await shipped.logText(),
    /\nrds-csi: Cannot listen on .*controller\.sock: another process serves this socket; stop it/,
  );
  await client.call(Controller.method.getCapacity, {});
  await first.end("SIGKILL");
  assert.ok((await Deno.lstat(shipped.socket)).isSocket);
  await shipped.startController();
  await client.call(Controller.method.getCapacity, {});
  await shipped.controller.end("SIGTERM");
  await assert.rejects(Deno.lstat(shipped.socket), Deno.errors.NotFound);
});

function rsaKey(bits: number): { text: string; publicLine: string } {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const text = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return { text, publicLine: `ssh-rsa ${key.getPublicSSH().toString("base64")} test` };
}
