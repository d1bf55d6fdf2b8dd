/** The program as it is shipped: exit codes, messages, signals. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import ssh2 from "ssh2";
import { Controller, Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { VERSION } from "../../../src/version.ts";
import { CsiClient } from "../../../tools/trial/csi_client.ts";
import { checkoutProgram } from "../../../tools/trial/processes.ts";

const LONGEST_MS = 30_000;
/** Nothing listens there: port 9 of loopback is "discard". */
const CLOSED_PORT = 9;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[]): Deno.ChildProcess {
  const [program = "", ...leading] = checkoutProgram();
  return new Deno.Command(program, {
    args: [...leading, ...args],
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(LONGEST_MS),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(...args: readonly string[]): Promise<Ended> {
  const { code, stdout, stderr } = await start(args).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** A directory with a key and a configuration whose only box does not answer. */
async function anInstall(stack: AsyncDisposableStack, more: object = {}): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-cli-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const privateKeyFile = join(directory, "key");
  const { private: key } = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 });
  await Deno.writeTextFile(privateKeyFile, key, { mode: 0o600 });
  const hostKeys = [`SHA256:${"A".repeat(43)}`];
  const box = { name: "main", address: "127.0.0.1", port: CLOSED_PORT, privateKeyFile, hostKeys };
  const config = { clusterId: "cli", backends: [{ ...box, ...more }] };
  await Deno.writeTextFile(join(directory, "config.yaml"), JSON.stringify(config));
  return directory;
}

Deno.test("rds-csi version names the program, its version and its runtime", async () => {
  const { code, out } = await run("version");
  assert.equal(code, 0);
  assert.equal(out, `rds-csi ${VERSION} on Deno ${Deno.version.deno}\n`);
});

Deno.test("rds-csi --help names every command and shows examples", async () => {
  const { code, out } = await run("--help");
  assert.equal(code, 0);
  for (const command of ["controller", "node", "simulate", "config", "version", "Examples:"]) {
    assert.ok(out.includes(command), command);
  }
});

const WRONG_USE: { name: string; args: string[]; says: RegExp }[] = [
  { name: "no command", args: [], says: /Usage: rds-csi/ },
  {
    name: "a misspelt command",
    args: ["controler"],
    says: /unknown command 'controler'.*controller/s,
  },
  {
    name: "a misspelt flag",
    args: ["controller", "--config", "x", "--endpoint", "y", "--log-levle", "z"],
    says: /unknown option '--log-levle'.*--log-level/s,
  },
  { name: "a missing flag", args: ["controller", "--config", "x"], says: /--endpoint/ },
  {
    name: "a file that is not there",
    args: ["controller", "--config", "/nowhere.yaml", "--endpoint", "/run/x.sock"],
    says: /^rds-csi: the configuration file is "\/nowhere\.yaml"; allowed: .*No such file/,
  },
  {
    name: "a trial without a state directory",
    args: [
      ...["node", "--node-name", "n", "--endpoint", "/run/x.sock"],
      ...["--attach", "loop:/x"],
    ],
    says: /^rds-csi: --state-directory is ""; allowed: a directory of its own, beside loop:\n$/,
  },
];

for (const { name, args, says } of WRONG_USE) {
  Deno.test(`rds-csi ends with code 2 and says why: ${name}`, async () => {
    const { code, err } = await run(...args);
    assert.equal(code, 2);
    assert.match(err, says);
  });
}

const WRONG_FLAGS: { flag: string; value: string; says: RegExp }[] = [
  {
    flag: "--log-level",
    value: "loud",
    says: /^rds-csi: --log-level is "loud"; allowed: debug, info, warning, error\n$/,
  },
  {
    flag: "--socket-group",
    value: "staff",
    says: /^rds-csi: --socket-group is "staff"; allowed: a whole number/,
  },
  {
    flag: "--endpoint",
    value: "tcp://0.0.0.0:1",
    says: /^rds-csi: Cannot use the endpoint "tcp:.*Unix socket only/,
  },
];

for (const { flag, value, says } of WRONG_FLAGS) {
  Deno.test(`rds-csi controller ${flag} ${value} ends with code 2 and names what is allowed`, async () => {
    await using stack = new AsyncDisposableStack();
    const directory = await anInstall(stack);
    const files = ["--config", join(directory, "config.yaml"), "--endpoint", join(directory, "s")];
    const { code, err } = await run("controller", ...files, flag, value);
    assert.equal(code, 2);
    assert.match(err.split("\n").filter((line) => !line.startsWith("{")).join("\n"), says);
  });
}

for (const path of ["relative", "/dev/null/state"]) {
  Deno.test(`rds-csi node --state-directory ${path} ends with code 2 and makes nothing`, async () => {
    const { code, err } = await run(
      ...["node", "--node-name", "n", "--attach", "trial:/x", "--endpoint", "/run/x.sock"],
      ...["--state-directory", path],
    );
    assert.equal(code, 2);
    assert.ok(err.startsWith(`rds-csi: --state-directory is "${path}"; allowed: a`), err);
  });
}

Deno.test("rds-csi simulate says in one line that its directory cannot be made", async () => {
  const { code, err } = await run("simulate", "--directory", "/dev/null/box");
  assert.equal(code, 1);
  assert.match(err, /^error: Cannot start the simulator: [^\n]*\/dev\/null\/box[^\n]*\n$/);
});

Deno.test("rds-csi controller --help says where the values of its flags come from", async () => {
  const { out } = await run("controller", "--help");
  assert.match(out, /--log-level <level>.*default: what the\s+configuration says/s);
  assert.match((await run("node", "--help")).out, /--log-level <level>.*default: info/s);
});

Deno.test("rds-csi controller ends with code 2 and names every problem of a configuration", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await anInstall(stack, { prot: 22, minFreePercent: 99 });
  const files = ["--config", join(directory, "config.yaml"), "--endpoint", join(directory, "s")];
  const { code, err } = await run("controller", ...files);
  assert.equal(code, 2);
  assert.match(
    err,
    /^rds-csi: Cannot use the configuration:\n {2}backends\[0\]\.prot: .*\n {2}backends\[0\]\.minFreePercent: .*\n$/,
  );
});

Deno.test("rds-csi controller ends with code 2 for a key that RouterOS would refuse", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await anInstall(stack);
  const { private: key } = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
  await Deno.writeTextFile(join(directory, "key"), key);
  const files = ["--config", join(directory, "config.yaml"), "--endpoint", join(directory, "s")];
  const { code, err } = await run("controller", ...files);
  assert.equal(code, 2);
  assert.match(
    err,
    /^rds-csi: Cannot use the configuration: backends\[0\]\.privateKeyFile: ".*key" is of no use: Cannot use SSH key: .*\n$/,
  );
  assert.ok(!err.includes(key.split("\n")[1] ?? ""));
});

Deno.test("rds-csi config check prints a summary, or every problem and code 2", async () => {
  await using stack = new AsyncDisposableStack();
  const good = join(await anInstall(stack), "config.yaml");
  assert.match((await run("config", "check", good)).out, /is fine\n {2}cluster cli/);
  const bad = join(await anInstall(stack, { port: 0, volumesMax: 0 }), "config.yaml");
  const { code, err } = await run("config", "check", bad);
  assert.equal(code, 2);
  assert.match(
    err,
    /has 2 problems:\n {2}backends\[0\]\.port: .*\n {2}backends\[0\]\.volumesMax: .*\n$/,
  );
});

Deno.test("rds-csi config check looks at the key files unless told not to", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await anInstall(stack);
  const file = join(directory, "config.yaml");
  await Deno.writeTextFile(join(directory, "key"), "not a key");
  const found = await run("config", "check", file);
  assert.equal(found.code, 2);
  assert.match(found.err, /backends\[0\]\.privateKeyFile: ".*key" is of no use: .*no private key/);
  assert.equal((await run("config", "check", "--no-files", file)).code, 0);
});

async function serve(
  stack: AsyncDisposableStack,
  box: object = {},
): Promise<[Deno.ChildProcess, CsiClient, string]> {
  const directory = await anInstall(stack, box);
  const socket = join(directory, "csi.sock");
  const child = start([
    ...["controller", "--config", join(directory, "config.yaml"), "--endpoint", `unix://${socket}`],
  ]);
  const client = stack.use(new CsiClient(socket));
  await client.waitForReady(LONGEST_MS);
  return [child, client, socket];
}

/** Resolves when the file is removed. */
async function removalOf(path: string): Promise<void> {
  using watcher = Deno.watchFs(dirname(path));
  for await (const { kind, paths } of watcher) {
    if (kind === "remove" && paths.includes(path)) return;
  }
}

Deno.test("a controller whose only box is down serves, and says it is not ready", async () => {
  await using stack = new AsyncDisposableStack();
  const [child, client] = await serve(stack);
  const { name } = await client.call(Identity.method.getPluginInfo, {});
  assert.equal(name, "rds.csi.srvlab.io");
  assert.equal((await client.call(Identity.method.probe, {})).ready, false);
  child.kill("SIGTERM");
  const { code, stderr } = await child.output();
  assert.equal(code, 0);
  const events = new TextDecoder().decode(stderr).trimEnd().split("\n").map((line) =>
    JSON.parse(line).event
  );
  assert.ok(events.includes("session-lost") && events.includes("role-started"));
  assert.equal(events.at(-1), "role-stopped");
});

Deno.test("an interrupt ends a controller in order, too", async () => {
  await using stack = new AsyncDisposableStack();
  const [child] = await serve(stack);
  child.kill("SIGINT");
  assert.equal((await child.output()).code, 0);
});

Deno.test("a second signal ends a controller at once, though a call still runs", async () => {
  await using stack = new AsyncDisposableStack();
  // A box that takes connections and never says anything: a call waits for it until its deadline.
  const silent = stack.use(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const accepted = silent.accept().then((connection) => stack.use(connection));
  const [child, client, socket] = await serve(stack, { port: silent.addr.port });
  await accepted;
  const waiting = client.call(Controller.method.getCapacity, {}).catch(() => "cut off");
  // A reply on the same connection shows that the call before it has arrived.
  await client.call(Identity.method.probe, {});
  const removed = removalOf(socket);
  child.kill("SIGTERM");
  // The first thing that closing does.
  await removed;
  child.kill("SIGTERM");
  assert.equal((await child.output()).code, 143);
  assert.equal(await waiting, "cut off");
});
