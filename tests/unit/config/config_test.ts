import assert from "node:assert/strict";
import { ConfigError, parseConfig, summarize } from "../../../src/config/config.ts";
import type { ConfigOverrides } from "../../../src/config/file.ts";

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const FINGERPRINT = `SHA256:${"A".repeat(43)}`;

interface Written {
  readonly [key: string]: unknown;
}

function aBackend(changes: Written = {}): Written {
  return {
    name: "main",
    address: "10.0.0.1",
    privateKeyFile: "/etc/rds-csi/ssh/id_ed25519",
    hostKeys: [FINGERPRINT],
    ...changes,
  };
}

/** JSON is YAML. */
function aFile(changes: Written = {}): string {
  return JSON.stringify({ clusterId: "prod-1", backends: [aBackend()], ...changes });
}

function problemsOf(text: string, overrides?: ConfigOverrides): readonly string[] {
  try {
    parseConfig(text, overrides);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
}

Deno.test("parseConfig() fills in every default", () => {
  const config = parseConfig(aFile());
  assert.deepEqual(config, {
    clusterId: "prod-1",
    driverName: "rds.csi.srvlab.io",
    defaultBackend: "main",
    backends: [{
      name: "main",
      address: "10.0.0.1",
      port: 22,
      user: "metal-csi",
      privateKeyFile: "/etc/rds-csi/ssh/id_ed25519",
      hostKeys: [FINGERPRINT],
      storageAddress: "10.0.0.1",
      basePath: "/storage-pool/metal-csi",
      allowedBasePaths: [],
      nvmePorts: { first: 44_200, last: 48_295 },
      minFreePercent: 10,
      volumesMax: 4000,
      connections: { reads: 2 },
      timeouts: {
        dialSeconds: 10,
        commandSeconds: 30,
        changeSeconds: 120,
        copySeconds: 600,
        shutdownSeconds: 5,
      },
      snapshots: { strategy: "auto", whileAttached: "refuse" },
    }],
    log: { level: "info", format: "json" },
  });
});

Deno.test("parseConfig() reads YAML as a person writes it", () => {
  const config = parseConfig(`
clusterId: prod-1          # who we are
defaultBackend: second
backends:
  - name: main
    address: "[fd00::1]"
    privateKeyFile: /keys/a
    hostKeys: ["${FINGERPRINT}", "${ED25519} root@rds"]
    nvmePorts: 4420
  - name: second
    address: rds-2.lan
    storageAddress: 10.1.0.2
    privateKeyFile: /keys/b
    hostKeys: ["${ED25519}"]
    timeouts: {changeSeconds: 600}
log: {level: debug}
`);
  const [main, second] = config.backends;
  assert.equal(config.defaultBackend, "second");
  assert.equal(main?.address, "fd00::1");
  assert.equal(main?.storageAddress, "fd00::1");
  assert.deepEqual(main?.nvmePorts, { first: 4420, last: 4420 });
  assert.deepEqual(main?.hostKeys, [FINGERPRINT, ED25519]);
  assert.equal(second?.timeouts.changeSeconds, 600);
  assert.equal(second?.timeouts.dialSeconds, 10);
  assert.deepEqual(config.log, { level: "debug", format: "json" });
});

const OVERRIDES: ConfigOverrides = { driverName: "a.b", logLevel: "error", logFormat: "text" };

Deno.test("parseConfig() lets flags replace what the file says", () => {
  const config = parseConfig(aFile({ log: { level: "debug" } }), OVERRIDES);
  assert.equal(config.driverName, "a.b");
  assert.deepEqual(config.log, { level: "error", format: "text" });
});

Deno.test("parseConfig() checks flags as it checks the file", () => {
  assert.deepEqual(problemsOf(aFile(), { logLevel: "loud" }), [
    'log.level: "loud" is not allowed: write debug | info | warning | error',
  ]);
});

Deno.test("parseConfig() names every problem at once", () => {
  const backend = aBackend({ port: 0, hostKeys: [], adress: "x", minFreePercent: 99 });
  const problems = problemsOf(aFile({ clusterId: "Prod", backends: [backend], logg: {} }));
  assert.deepEqual(problems.map((problem) => problem.split(":")[0]), [
    "logg",
    "clusterId",
    "backends[0].adress",
    "backends[0].port",
    "backends[0].hostKeys",
    "backends[0].minFreePercent",
  ]);
});

const BAD_BACKENDS: { name: string; changes: Written; says: string }[] = [
  {
    name: "an unknown key, and guesses what was meant",
    changes: { minFreePercnt: 5 },
    says: 'backends[0].minFreePercnt: there is no such key: did you mean "minFreePercent"?',
  },
  {
    name: "an unknown key that is like no other",
    changes: { timeouts: { zzz: 1 } },
    says: "backends[0].timeouts.zzz: there is no such key: write one of dialSeconds, " +
      "commandSeconds, changeSeconds, copySeconds, shutdownSeconds",
  },
  {
    name: "a missing key",
    changes: { privateKeyFile: undefined },
    says: "backends[0].privateKeyFile: it is missing: write an absolute path",
  },
  {
    name: "a relative path",
    changes: { privateKeyFile: "id_rsa" },
    says: 'backends[0].privateKeyFile: "id_rsa" is not allowed: write an absolute path',
  },
  {
    name: "a number in quotes",
    changes: { port: "22" },
    says: 'backends[0].port: "22" is not allowed: write a whole number from 1 to 65535',
  },
  {
    name: "a host key that is neither",
    changes: { hostKeys: ["MD5:00"] },
    says:
      'backends[0].hostKeys[0]: "MD5:00" is not allowed: write "SHA256:…" or "ssh-ed25519 AAAA…"',
  },
  {
    name: "a host key whose type is not the one it names",
    changes: { hostKeys: [ED25519.replace("ssh-ed25519", "ssh-rsa")] },
    says: "backends[0].hostKeys[0]: ",
  },
  {
    name: "an address with a port",
    changes: { address: "10.0.0.1:22" },
    says: 'backends[0].address: "10.0.0.1:22" is not allowed: write an IPv4 or IPv6 literal',
  },
  {
    name: "an IPv4 address that is none",
    changes: { address: "10.0.0.300" },
    says: 'backends[0].address: "10.0.0.300" is not allowed',
  },
  { name: "brackets around IPv4", changes: { address: "[10.0.0.1]" }, says: "backends[0].address" },
  {
    name: "a port range that goes down",
    changes: { nvmePorts: "4500-4400" },
    says: 'backends[0].nvmePorts: "4500-4400" is not allowed: write a port, or two',
  },
  {
    name: "a base path that climbs",
    changes: { basePath: "/pool/../etc" },
    says: 'backends[0].basePath: "/pool/../etc" is not allowed',
  },
  {
    name: "a base path with a quote",
    changes: { basePath: '/pool/"x' },
    says: "backends[0].basePath: ",
  },
  {
    name: "a section that is a list",
    changes: { snapshots: ["auto"] },
    says: 'backends[0].snapshots: ["auto"] is not allowed: write keys and values',
  },
  {
    name: "a word that is not on the list",
    changes: { snapshots: { strategy: "magic" } },
    says: 'backends[0].snapshots.strategy: "magic" is not allowed: write auto | copy-from | ' +
      "file-copy",
  },
];

for (const { name, changes, says } of BAD_BACKENDS) {
  Deno.test(`parseConfig() refuses ${name}`, () => {
    const problems = problemsOf(aFile({ backends: [aBackend(changes)] }));
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.ok(problems[0]?.startsWith(says), problems[0]);
  });
}

const CONFLICTS: { name: string; second: Written; file?: Written; says: RegExp }[] = [
  {
    name: "one name twice",
    second: { name: "main", address: "10.0.0.2" },
    says: /^backends\[1\]\.name: "main" is already the name of backends\[0\]$/,
  },
  {
    name: "one directory of one array twice",
    second: { nvmePorts: "50000-50100" },
    says: /^backends\[1\]\.basePath: backends\[0\] is on the same array and uses "\/storage-pool/,
  },
  {
    name: "a directory inside another's",
    second: { nvmePorts: "50000-50100", basePath: "/storage-pool/metal-csi/b" },
    says: /^backends\[1\]\.basePath/,
  },
  {
    name: "port ranges that overlap on one address",
    second: { address: "10.0.0.2", storageAddress: "10.0.0.1", nvmePorts: "48295-48400" },
    says: /^backends\[1\]\.nvmePorts: 48295-48400 overlaps 44200-48295 of backends\[0\]/,
  },
  {
    name: "a default backend that is not there",
    second: { address: "10.0.0.2" },
    file: { defaultBackend: "third" },
    says: /^defaultBackend: "third" is not allowed: write one of main, second$/,
  },
  {
    name: "several backends without a default",
    second: { address: "10.0.0.2" },
    file: { defaultBackend: undefined },
    says: /^defaultBackend: it is missing, and there are 2 backends: write one of main, second$/,
  },
];

for (const { name, second, file = {}, says } of CONFLICTS) {
  Deno.test(`parseConfig() refuses ${name}`, () => {
    const backends = [aBackend(), aBackend({ name: "second", ...second })];
    const problems = problemsOf(aFile({ backends, defaultBackend: "main", ...file }));
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", says);
  });
}

Deno.test("parseConfig() accepts two pools of one array that share nothing", () => {
  const second = aBackend({
    name: "b",
    basePath: "/storage-pool/metal-csi-2",
    nvmePorts: "50000-50001",
  });
  assert.deepEqual(problemsOf(aFile({ backends: [aBackend(), second], defaultBackend: "b" })), []);
});

const NOT_A_CONFIG: { name: string; text: string; says: RegExp }[] = [
  {
    name: "an empty file",
    text: "",
    says: /^the file: null is not allowed: write keys and values/,
  },
  { name: "a list", text: "- a", says: /^the file: \["a"\] is not allowed/ },
  { name: "what is not YAML", text: "a: [1,\nb: 2", says: /^the file is not YAML: .*line 2/ },
  { name: "a key twice", text: "a: 1\na: 2", says: /^the file is not YAML: .*unique.*line 2/ },
];

for (const { name, text, says } of NOT_A_CONFIG) {
  Deno.test(`parseConfig() refuses ${name}`, () => {
    assert.match(problemsOf(text)[0] ?? "", says);
  });
}

Deno.test("parseConfig() refuses a file that grows without bound through its aliases", () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const below = level === 0 ? '"x"' : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array(9).fill(below).join(",")}]`;
  });
  assert.match(problemsOf(levels.join("\n"))[0] ?? "", /^the file is not YAML: .*alias/);
});

Deno.test("the message of a ConfigError is one line with every problem", () => {
  assert.equal(new ConfigError(["a: b"]).message, "Cannot use the configuration: a: b");
  assert.equal(
    new ConfigError(["a: b", "c: d", "e: f"]).message,
    "Cannot use the configuration: a: b; c: d; e: f",
  );
});

Deno.test("parseConfig() refuses a base path on another pool", () => {
  const problems = problemsOf(aFile({ backends: [aBackend({ allowedBasePaths: ["/other/x"] })] }));
  assert.deepEqual(problems, [
    'backends[0].allowedBasePaths: "/other/x" is not on the pool of basePath, "/storage-pool"',
  ]);
});

Deno.test("summarize() says where each backend is and which is the default", () => {
  const lines = summarize(parseConfig(aFile()));
  assert.deepEqual(lines, [
    "cluster prod-1, driver rds.csi.srvlab.io",
    "backend main (default): ssh metal-csi@10.0.0.1 port 22, NVMe/TCP 10.0.0.1 ports " +
    "44200-48295, files in /storage-pool/metal-csi",
  ]);
});
