/**
 * Every mode of the simulator, chosen by its flag as on the command line, over a short life of a
 * client that speaks SSH.
 */
import assert from "node:assert/strict";
import {
  CHOICES,
  type SimulateFlags,
  simulatorOptionsOf,
} from "../../../src/cli/simulate_flags.ts";
import { simulateCommand } from "../../../src/cli/simulate.ts";
import { generateKeyPair } from "../../../src/simulator/server/key_pair.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { LostConnection, SshConnection, until } from "./ssh_client.ts";

const KEY = generateKeyPair("ed25519", "test");
const GIB = 1024 ** 3;
const LONG_SLOT = "pvc-01234567-89ab-cdef-0123-456789abcdef";
const ADD_A = "/disk/add type=file slot=a file-path=storage-pool/a.img file-size=1G " +
  "mount-filesystem=no";
const CHOICE_FLAGS: readonly [flag: string, values: readonly string[]][] = Object.entries(CHOICES)
  .map((
    [name, values],
  ) => [`--${name.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)}`, values]);

/** Flags that are no modes; `command_line_test.ts` and `fault_notation_test.ts` hold them. */
const HELD_ELSEWHERE = [
  "--host",
  "--port",
  "--directory",
  "--control-socket",
  "--ready-json",
  "--password",
  "--authorized-key",
  "--password-authentication",
  "--host-key-type",
  "--host-key",
  "--export",
  "--nvme-address",
];

/** The flags that a test of this file ran. */
const ran = new Set<string>();

/** A simulator that was started with flags, and a client that is logged in. */
class Life implements AsyncDisposable {
  readonly simulator: Simulator;
  #connection: SshConnection;

  private constructor(simulator: Simulator, connection: SshConnection) {
    this.simulator = simulator;
    this.#connection = connection;
  }

  static async start(...args: string[]): Promise<Life> {
    return await Life.startAs("admin", ...args);
  }

  static async startAs(username: string, ...args: string[]): Promise<Life> {
    for (const flag of args.filter((one) => one.startsWith("--"))) ran.add(flag);
    const options = await simulatorOptionsOf(await flagsOf(args));
    const simulator = await startSimulator({ ...options, authorizedKeys: KEY.publicLine });
    try {
      return new Life(simulator, await login(simulator, username));
    } catch (error) {
      await simulator[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What a line prints, without the last line end. */
  async say(line: string): Promise<string> {
    return (await this.#connection.exec(line)).output.replace(/\r\n$/, "");
  }

  async exitStatus(line: string): Promise<number | undefined> {
    return (await this.#connection.exec(line)).exitStatus;
  }

  /** Runs lines that have nothing to say. */
  async run(...lines: string[]): Promise<void> {
    for (const line of lines) assert.equal(await this.say(line), "", line);
  }

  async freeBytes(): Promise<number> {
    return Number(await this.say(":put [/disk/get storage-pool free]"));
  }

  async text(file: string): Promise<string> {
    return await this.say(
      `:put [:pick ([/file/read file=storage-pool/${file} chunk-size=6 as-value]->"data") 0 6]`,
    );
  }

  /** Reboots, and logs in again. */
  async reboot(): Promise<void> {
    await this.simulator.reboot(0);
    await until(() => this.simulator.status().isUp);
    await this.#connection[Symbol.asyncDispose]();
    this.#connection = await login(this.simulator, "admin");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
    await this.simulator[Symbol.asyncDispose]();
  }
}

function login({ port }: Simulator, username: string): Promise<SshConnection> {
  return SshConnection.open({ port, username, privateKey: KEY.privateText });
}

/** The flags as the program would hand them on. */
async function flagsOf(args: readonly string[]): Promise<SimulateFlags> {
  const given: { flags?: SimulateFlags } = {};
  const command = simulateCommand().action((flags: SimulateFlags) => {
    given.flags = flags;
  });
  await command.parseAsync([...args], { from: "user" });
  assert.ok(given.flags !== undefined);
  return given.flags;
}

/** A whole life that reads state and no texts; every mode must let it pass. */
async function livesAWholeLife(life: Life): Promise<void> {
  const count = ":put [:len [/disk/find where slot=life]]";
  await life.run(
    "/disk/add type=file slot=life file-path=storage-pool/life.img file-size=1G " +
      "mount-filesystem=no nvme-tcp-export=no",
    "/disk/set life nvme-tcp-export=yes",
    "/disk/set [find slot=life] file-size=2G",
  );
  assert.equal(await life.say(count), "1");
  assert.equal(await life.say(":put [/disk/get life size]"), String(2 * GIB));
  await life.run(
    "/disk/set life nvme-tcp-export=no",
    "/disk/remove [find slot=life]",
    "/file/remove [find name=storage-pool/life.img]",
  );
  assert.equal(await life.say(count), "0");
  assert.deepEqual(life.simulator.violations(), []);
}

for (const [flag, values] of CHOICE_FLAGS) {
  for (const value of values) {
    Deno.test(`${flag} ${value} lets a volume live its whole life`, async () => {
      await using life = await Life.start(flag, value);
      await livesAWholeLife(life);
    });
  }
}

const COPIES: Readonly<Record<string, { reads: RegExp; later: RegExp; takesBytes: number }>> = {
  "independent-cow": { reads: /^source$/, later: /^source$/, takesBytes: 0 },
  "independent-full": { reads: /^source$/, later: /^source$/, takesBytes: GIB },
  "property-only": { reads: /^\0{6}$/, later: /^\0{6}$/, takesBytes: GIB },
  "shared": { reads: /^source$/, later: /^change$/, takesBytes: 0 },
};

for (const [mode, expected] of Object.entries(COPIES)) {
  Deno.test(`--copy-from ${mode} gives the data and takes the space it says`, async () => {
    await using life = await Life.start("--copy-from", mode);
    await life.run(
      '/file/add name=storage-pool/a.img contents="source"',
      ADD_A,
    );
    const before = await life.freeBytes();
    await life.run(
      "/disk/add copy-from=[find slot=a] slot=b file-path=storage-pool/b.img nvme-tcp-export=no",
    );
    assert.equal(before - await life.freeBytes(), expected.takesBytes);
    assert.match(await life.text("b.img"), expected.reads);
    await life.run('/file/set storage-pool/a.img contents="change"');
    assert.match(await life.text("b.img"), expected.later);
  });
}

for (const [mode, takesBytes] of [["reflink", 0], ["full", GIB]] as const) {
  Deno.test(`--file-copy ${mode} takes ${takesBytes} bytes for a copy of 1 GiB`, async () => {
    await using life = await Life.start("--file-copy", mode);
    await life.run(ADD_A);
    const before = await life.freeBytes();
    await life.run("/file/copy storage-pool/a.img name=storage-pool/c.img");
    assert.equal(before - await life.freeBytes(), takesBytes);
  });
}

const SLOTS: readonly [args: readonly string[], slot: string][] = [
  [["--slot-limit", "32", "--slot-too-long", "reject"], ""],
  [["--slot-limit", "32", "--slot-too-long", "truncate"], LONG_SLOT.slice(0, 32)],
  [["--slot-limit", "none"], LONG_SLOT],
];

for (const [args, slot] of SLOTS) {
  Deno.test(`${args.join(" ")} makes "${slot}" of a slot of 40 characters`, async () => {
    await using life = await Life.start(...args);
    const said = await life.say(
      `/disk/add type=file slot=${LONG_SLOT} file-path=storage-pool/a.img file-size=1M`,
    );
    assert.equal(said !== "", slot === "", said);
    const slots = ':foreach d in=[/disk/find where slot~"^pvc-"] do={ :put [/disk/get $d slot] }';
    assert.equal(await life.say(slots), slot);
  });
}

Deno.test("--comment-limit refuses a longer comment, and none takes it", async () => {
  for (const [limit, isRefused] of [["10", true], ["none", false]] as const) {
    await using life = await Life.start("--comment-limit", limit);
    await life.run(ADD_A);
    const said = await life.say('/disk/comment a comment="eleven char"');
    assert.equal(said !== "", isRefused, said);
  }
});

Deno.test("--wordings changes the words of a refusal and nothing else", async () => {
  const words = new Set<string>();
  for (const wordings of CHOICES.wordings) {
    await using life = await Life.start("--wordings", wordings);
    await life.run(ADD_A);
    words.add(await life.say(ADD_A));
    assert.equal(await life.say(":put [:len [/disk/find where slot=a]]"), "1");
  }
  assert.equal(words.size, CHOICES.wordings.length);
  assert.equal(words.has(""), false);
});

const VERSIONS: readonly { flag: string; version: string; hasNqn: boolean; hasCopy: boolean }[] = [
  { flag: "7.20", version: "7.20.8 (stable)", hasNqn: false, hasCopy: false },
  { flag: "7.21", version: "7.21 (stable)", hasNqn: true, hasCopy: false },
  { flag: "7.23", version: "7.23 (stable)", hasNqn: true, hasCopy: true },
  { flag: "7.24", version: "7.24.4 (stable)", hasNqn: true, hasCopy: true },
];

for (const { flag, version, hasNqn, hasCopy } of VERSIONS) {
  Deno.test(`--routeros ${flag} has the words of that version`, async () => {
    await using life = await Life.start("--routeros", flag);
    await livesAWholeLife(life);
    assert.equal(await life.say(":put [/system/resource/get version]"), version);
    await life.run(ADD_A);
    const set = await life.say("/disk/set a nvme-tcp-server-nqn=nqn.2024-01.io.test:a");
    assert.match(set, hasNqn ? /^$/ : /^expected end of command \(line 1 column \d+\)$/);
    const copy = await life.say("/file/copy storage-pool/a.img name=storage-pool/b.img");
    assert.match(copy, hasCopy ? /^$/ : /^bad command name copy \(line 1 column 7\)$/);
  });
}

Deno.test("--without-package knows disks, but nothing of file disks", async () => {
  await using life = await Life.start("--without-package");
  assert.match(await life.say(ADD_A), /^expected end of command \(line 1 column \d+\)$/);
  assert.match(await life.say("/disk/btrfs/subvolume/print"), /^bad command name btrfs /);
  assert.equal(await life.say(":put [:len [/system/package/find name=rose-storage]]"), "0");
  assert.match(await life.say("/disk/print"), /usb1/);
});

for (const [mode, count] of [["keep", "1"], ["delete", "0"]] as const) {
  Deno.test(`--remove-file ${mode} leaves ${count} file behind a removed disk`, async () => {
    await using life = await Life.start("--remove-file", mode);
    await life.run(ADD_A, "/disk/remove a");
    assert.equal(await life.say(":put [:len [/file/find name=storage-pool/a.img]]"), count);
  });
}

for (const [mode, bytes] of [["refuse", GIB], ["truncate", GIB / 2]] as const) {
  Deno.test(`--shrink ${mode} leaves ${bytes} bytes of a disk of 1 GiB`, async () => {
    await using life = await Life.start("--shrink", mode);
    await life.run(ADD_A);
    const said = await life.say("/disk/set a file-size=512M");
    assert.equal(said === "", mode === "truncate", said);
    assert.equal(await life.say(":put [/disk/get a size]"), String(bytes));
  });
}

for (const [mode, count] of [["stable", 1], ["changing", 3]] as const) {
  Deno.test(`--identity ${mode} shows ${count} identities over re-export and reboot`, async () => {
    await using life = await Life.start("--identity", mode);
    const seen = new Set<string | undefined>();
    const look = (): void => {
      const found = life.simulator.box.exports().find(({ slot }) => slot === "a");
      seen.add(found?.namespaceUuid);
    };
    await life.run(`${ADD_A} nvme-tcp-export=yes`);
    look();
    await life.run("/disk/set a nvme-tcp-export=no", "/disk/set a nvme-tcp-export=yes");
    look();
    await life.reboot();
    look();
    assert.equal(seen.has(undefined), false);
    assert.equal(seen.size, count);
  });
}

for (const mode of CHOICES.idsOnReboot) {
  Deno.test(`--ids-on-reboot ${mode} does so, and a slot stays what it is`, async () => {
    await using life = await Life.start("--ids-on-reboot", mode);
    await life.run(ADD_A);
    const before = await life.say(":put [/disk/find where slot=a]");
    await life.reboot();
    const after = await life.say(":put [/disk/find where slot=a]");
    assert.match(after, /^\*[0-9A-F]+$/);
    assert.equal(before !== after, mode === "change");
  });
}

for (const status of CHOICES.exitStatusOnError) {
  Deno.test(`--exit-status-on-error ${status} ends so after an error only`, async () => {
    await using life = await Life.start("--exit-status-on-error", status);
    assert.equal(await life.exitStatus("/disk/remove nosuch"), Number(status));
    assert.equal(await life.exitStatus("/disk/nosuch"), Number(status));
    assert.equal(await life.exitStatus("/disk/remove [find slot=nosuch]"), 0);
  });
}

Deno.test("--pool-size and --pool-file-system make the pool of a new box", async () => {
  await using life = await Life.start("--pool-size", "500G", "--pool-file-system", "xfs");
  assert.equal(await life.say(":put [/disk/get storage-pool size]"), String(500 * GIB));
  assert.equal(await life.say(":put [/disk/get storage-pool fs]"), "xfs");
  assert.match(await life.say(`${ADD_A} compress=yes`), /^compression only available for btrfs/);
  assert.equal(await life.say("/disk/btrfs/filesystem/print count-only"), "0");
});

const USERS: readonly [policies: string, line: string, isAllowed: boolean][] = [
  ["ssh,read", ":put [:len [/disk/find where slot=usb1]]", true],
  ["ssh,read", ADD_A, false],
  ["ssh,read,write", ADD_A, true],
  ["ssh,write", "/disk/print", false],
  ["ssh,read,write", "/disk/monitor-traffic storage-pool once", false],
  ["ssh,read,test", "/disk/monitor-traffic storage-pool once", true],
];

for (const [policies, line, isAllowed] of USERS) {
  Deno.test(`a user with ${policies} ${isAllowed ? "may" : "may not"} ${line.slice(0, 40)}`, async () => {
    await using life = await Life.startAs("bob", "--user", `bob:${policies}`);
    const said = await life.say(line);
    assert.equal(said.startsWith("not enough permissions (9)"), !isAllowed, said);
  });
}

Deno.test("a user without the policy ssh is not let in", async () => {
  await assert.rejects(Life.startAs("bob", "--user", "bob:read,write"), /authentication/);
});

Deno.test("--fault, --lose-replies and --latency work from the start", async () => {
  await using life = await Life.start("--fault", "truncate:after-bytes=2", "--latency", "read=5");
  assert.equal(await life.say(":put hello"), "he");
  assert.equal(life.simulator.status().latency.read, 5);
  await using losing = await Life.start("--lose-replies", "100%", "--seed", "7");
  await assert.rejects(losing.say(":put hello"), LostConnection);
});

Deno.test("--commands-per-connection and --max-sessions bound a client", async () => {
  await using life = await Life.start("--commands-per-connection", "1", "--max-sessions", "1");
  const waiting = life.say(":delay 100ms; :put done");
  await assert.rejects(life.say(":put now"));
  assert.equal(await waiting, "done");
  await assert.rejects(login(life.simulator, "admin"));
});

Deno.test("--on-disconnect finish and abort decide over a command whose client is gone", async () => {
  for (const [mode, count, delay] of [["finish", 1, "1s"], ["abort", 0, "60s"]] as const) {
    await using life = await Life.start("--on-disconnect", mode);
    const connection = await login(life.simulator, "admin");
    const lost = assert.rejects(connection.exec(`:delay ${delay}; ${ADD_A}`));
    await until(() => life.simulator.counters().commandsByOutcome.running === 1);
    connection.drop();
    await lost;
    await life.simulator.idle();
    assert.equal(await life.say(":put [:len [/disk/find where slot=a]]"), String(count), mode);
  }
});

Deno.test("every flag that changes the box or the link was run by a test of this file", () => {
  const flags = simulateCommand().options.map(({ long }) => long ?? "");
  const missing = flags.filter((flag) => !ran.has(flag) && !HELD_ELSEWHERE.includes(flag));
  assert.deepEqual(missing, []);
});
