import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { fingerprintOf, newHostKey } from "../../../src/simulator/server/host_key.ts";
import {
  encodeEd25519,
  generateKeyPair,
  type KeyType,
} from "../../../src/simulator/server/key_pair.ts";
import { accountWithKey, ServerFixture } from "./server_fixture.ts";
import { inTime, SshConnection } from "./ssh_client.ts";

Deno.test("an exec request is answered with CRLF line ends and exit status 0", async () => {
  await using fixture = await ServerFixture.start();
  await using connection = await fixture.connect();
  assert.deepEqual(await connection.exec("say one|two"), {
    output: "one\r\ntwo\r\n",
    exitStatus: 0,
  });
});

Deno.test("a failed command ends with status 0, or 1 when the server is told so", async () => {
  for (const exitStatusOnError of [0, 1] as const) {
    await using fixture = await ServerFixture.start({ exitStatusOnError });
    await using connection = await fixture.connect();
    assert.equal((await connection.exec("fail")).exitStatus, exitStatusOnError);
    assert.equal((await connection.exec("say ok")).exitStatus, 0);
  }
});

Deno.test("several commands run at the same time on one connection", async () => {
  await using fixture = await ServerFixture.start();
  await using connection = await fixture.connect();
  const results = await Promise.all([1, 2, 3, 4, 5].map((n) => connection.exec(`say ${n}`)));
  assert.deepEqual(results.map((result) => result.output), [1, 2, 3, 4, 5].map((n) => `${n}\r\n`));
});

Deno.test("a reply larger than the channel window arrives whole", async () => {
  await using fixture = await ServerFixture.start();
  await using connection = await fixture.connect();
  const { output } = await connection.exec(`repeat ${2 ** 18}`);
  assert.ok(output === "0123456789abcdef".repeat(2 ** 18), `${output.length} characters came`);
});

for (const hostType of ["rsa", "ed25519"] satisfies KeyType[]) {
  for (const clientType of ["rsa", "ed25519"] satisfies KeyType[]) {
    Deno.test(`a host key ${hostType} and a client key ${clientType} work together`, async () => {
      const hostKey = newHostKey(hostType);
      const pair = generateKeyPair(clientType, "test");
      await using fixture = await ServerFixture.start({
        hostKey,
        accountOf: () => accountWithKey(pair.publicLine),
      });
      let seen = "";
      await using connection = await SshConnection.open({
        port: fixture.server.port,
        privateKey: pair.privateText,
        acceptHostKey: (blob) => {
          seen = fingerprintOf(blob);
          return true;
        },
      });
      assert.equal((await connection.exec("say hello")).output, "hello\r\n");
      assert.equal(seen, hostKey.fingerprint);
    });
  }
}

Deno.test("an Ed25519 key whose public half begins with a zero byte can log in", async () => {
  const pair = encodeEd25519(keyBeginningWithZero(), "test");
  await using fixture = await ServerFixture.start({
    accountOf: () => accountWithKey(pair.publicLine),
  });
  await using connection = await SshConnection.open({
    port: fixture.server.port,
    privateKey: pair.privateText,
  });
  assert.equal((await connection.exec("say hello")).output, "hello\r\n");
});

Deno.test("a key that is not authorized is refused", async () => {
  await using fixture = await ServerFixture.start();
  const stranger = generateKeyPair("ed25519", "stranger");
  await assert.rejects(
    SshConnection.open({ port: fixture.server.port, privateKey: stranger.privateText }),
    /authentication methods failed/,
  );
  assert.ok(fixture.log.counters().loginFailures > 0);
});

Deno.test("a user without the policy ssh is refused", async () => {
  const pair = generateKeyPair("ed25519", "test");
  const account = { ...accountWithKey(pair.publicLine), policies: new Set(["read"] as const) };
  await using fixture = await ServerFixture.start({ accountOf: () => account });
  await assert.rejects(
    SshConnection.open({ port: fixture.server.port, privateKey: pair.privateText }),
    /authentication methods failed/,
  );
});

Deno.test("a password is refused once the user owns a key, unless allowed always", async () => {
  const { authorizedKeys } = accountWithKey(generateKeyPair("ed25519", "t").publicLine).credentials;
  const cases = [
    { keys: [], rule: "yes-if-no-key", accepted: true },
    { keys: authorizedKeys, rule: "yes-if-no-key", accepted: false },
    { keys: authorizedKeys, rule: "yes", accepted: true },
    { keys: [], rule: "no", accepted: false },
  ] as const;
  for (const { keys, rule, accepted } of cases) {
    const credentials = {
      authorizedKeys: keys,
      password: "secret",
      passwordAuthentication: rule,
    };
    await using fixture = await ServerFixture.start({
      accountOf: () => ({ policies: new Set(["ssh"] as const), credentials }),
    });
    const login = { port: fixture.server.port, password: "secret" };
    if (accepted) await (await SshConnection.open(login))[Symbol.asyncDispose]();
    else await assert.rejects(SshConnection.open(login), /authentication methods failed/);
    await assert.rejects(
      SshConnection.open({ ...login, password: "Secret" }),
      /authentication methods failed/,
    );
  }
});

Deno.test("a suffix of the login name sets the width; without one it is 80", async () => {
  await using fixture = await ServerFixture.start();
  const cases = { "admin": 80, "admin+ct200w": 200, "admin+cet511w4098h": 511, "admin+c": 80 };
  for (const [login, width] of Object.entries(cases)) {
    await using connection = await fixture.connect(login);
    assert.equal((await connection.exec("width")).output, `admin ${width}\r\n`);
  }
});

Deno.test("keepalive@openssh.com is answered with a failure", async () => {
  await using fixture = await ServerFixture.start();
  await using connection = await fixture.connect();
  const { promise, resolve } = Promise.withResolvers<string>();
  const internals = connection.client as unknown as {
    _protocol: { ping(): void; _handlers: Record<string, (...rest: unknown[]) => void> };
    _callbacks: ((failure: boolean) => void)[];
  };
  internals._callbacks.push((failure) => resolve(failure ? "failure" : "success"));
  internals._protocol.ping();
  assert.equal(await inTime(promise, "get an answer to the keepalive"), "failure");
});

Deno.test("a command may have a terminal; its columns are the width", async () => {
  await using fixture = await ServerFixture.start();
  await using connection = await fixture.connect();
  const text = await inTime(
    new Promise<string>((resolve, reject) => {
      connection.client.exec("width", { pty: { cols: 132 } }, (error, channel) => {
        if (error) return reject(error);
        let output = "";
        channel.on("data", (data: { toString(): string }) => output += data.toString());
        channel.on("close", () => resolve(output));
      });
    }),
    "run a command with a terminal",
  );
  assert.equal(text, "admin 132\r\n");
});

Deno.test("a shell ends with an explanation", async () => {
  await using fixture = await ServerFixture.start();
  await using connection = await fixture.connect();
  const text = await inTime(
    new Promise<string>((resolve, reject) => {
      connection.client.shell(false, (error, channel) => {
        if (error) return reject(error);
        let output = "";
        channel.on("data", (data: { toString(): string }) => output += data.toString());
        channel.on("close", () => resolve(output));
      });
    }),
    "read what the shell says",
  );
  assert.match(text, /without an interactive shell/);
  assert.equal(fixture.log.counters().commands, 0);
});

Deno.test("commands over the limit of a connection are refused, the others run on", async () => {
  await using fixture = await ServerFixture.start({ commandsPerConnection: 2 });
  await using connection = await fixture.connect();
  const slow = [connection.exec("wait 60"), connection.exec("wait 60")];
  await assert.rejects(connection.exec("say third"), /Unable to exec|Channel open failure/);
  assert.deepEqual((await Promise.all(slow)).map((result) => result.exitStatus), [0, 0]);
  assert.equal((await connection.exec("say later")).output, "later\r\n");
});

Deno.test("a channel opened and closed without a command leaves no trace in the limit", async () => {
  await using fixture = await ServerFixture.start({ commandsPerConnection: 1 });
  await using connection = await fixture.connect();
  for (let round = 0; round < 5; round += 1) {
    const refused = new Promise((_resolve, reject) => {
      connection.client.subsys("sftp", (error) => reject(error));
    });
    await assert.rejects(inTime(refused, "ask for a subsystem"), /subsystem/);
  }
  assert.equal((await connection.exec("say hello")).output, "hello\r\n");
});

Deno.test("connections over the session limit are reset until one is closed", async () => {
  await using fixture = await ServerFixture.start({ maxSessions: 1 });
  {
    await using _first = await fixture.connect();
    await assert.rejects(fixture.connect());
    assert.equal(fixture.log.counters().refused, 1);
  }
  await fixture.until(({ server }) => server.openConnections === 0);
  await using second = await fixture.connect();
  assert.equal((await second.exec("say hello")).output, "hello\r\n");
});

Deno.test("a command whose client went away runs on to its end", async () => {
  await using fixture = await ServerFixture.start({ onDisconnect: "finish" });
  const connection = await fixture.connect();
  const lost = connection.exec("wait 500");
  await fixture.until(({ log }) => log.counters().commands === 1);
  connection.drop();
  await assert.rejects(lost);
  await fixture.server.idle();
  assert.deepEqual(fixture.ran, ["wait 500"]);
  assert.equal(fixture.log.records(1)[0]?.outcome, "reply-lost");
});

Deno.test("a command whose client went away stops when the server is told so", async () => {
  await using fixture = await ServerFixture.start({ onDisconnect: "abort" });
  const connection = await fixture.connect();
  const lost = connection.exec("wait 60000");
  await fixture.until(({ log }) => log.counters().commands === 1);
  connection.drop();
  await assert.rejects(lost);
  await fixture.server.idle();
  assert.deepEqual(fixture.ran, []);
  assert.equal(fixture.log.records(1)[0]?.outcome, "aborted");
});

Deno.test("a command stops when its channel is closed and the server is told so", async () => {
  await using fixture = await ServerFixture.start({ onDisconnect: "abort" });
  await using connection = await fixture.connect();
  connection.client.exec("wait 60000", (_error, channel) => channel.close());
  await fixture.until(({ log }) => log.counters().commands === 1);
  await fixture.server.idle();
  assert.equal(fixture.log.records(1)[0]?.outcome, "aborted");
  assert.equal((await connection.exec("say still here")).output, "still here\r\n");
});

Deno.test("one exec round trip takes a few milliseconds at most", async () => {
  await using fixture = await ServerFixture.start();
  await using connection = await fixture.connect();
  const rounds = 100;
  for (let round = 0; round < 20; round += 1) await connection.exec("say warm");
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    await connection.exec("say x");
    times.push(performance.now() - startedMs);
  }
  const median = times.toSorted((a, b) => a - b)[rounds / 2] ?? Infinity;
  assert.ok(median < 20, `the median exec took ${median.toFixed(1)} ms: is Nagle's delay on?`);
});

/** One key in 256 is such a key; the bound is never reached. */
function keyBeginningWithZero(): KeyObject {
  for (let tries = 0; tries < 100_000; tries += 1) {
    const { privateKey } = generateKeyPairSync("ed25519");
    const text = privateKey.export({ format: "jwk" }).x ?? "";
    if (/^A[A-P]/.test(text)) return privateKey;
  }
  throw new Error("no key began with a zero byte");
}
