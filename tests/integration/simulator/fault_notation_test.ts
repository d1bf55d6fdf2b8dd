import assert from "node:assert/strict";
import { faultOf, formatFault, parseFault } from "../../../src/simulator/control/fault_notation.ts";
import { latencyOf, parseRequest } from "../../../src/simulator/control/protocol.ts";
import { parseBytes } from "../../../src/simulator/control/quantity.ts";
import type { Fault } from "../../../src/simulator/faults.ts";
import { classifyLine } from "../../../src/simulator/server/command_class.ts";
import { FaultPlan, MAX_WAITING_FAULTS } from "../../../src/simulator/server/fault_plan.ts";
import { parseAuthorizedKeys } from "../../../src/simulator/server/credentials.ts";
import { parseLoginName } from "../../../src/simulator/server/login_name.ts";

const FAULTS: readonly { text: string; fault: Fault }[] = [
  { text: "reset-before:times=1", fault: { kind: "reset-before", times: 1 } },
  {
    text: "reset-after:times=2,skip=3,on=add+change",
    fault: { kind: "reset-after", times: 2, skip: 3, on: ["add", "change"] },
  },
  {
    text: "reset-middle:afterBytes=10,times=1",
    fault: { kind: "reset-middle", afterBytes: 10, times: 1 },
  },
  { text: "truncate:after-bytes=0", fault: { kind: "truncate", afterBytes: 0, times: 1 } },
  { text: "hang", fault: { kind: "hang", times: 1 } },
  { text: "half-open:on=remove", fault: { kind: "half-open", times: 1, on: ["remove"] } },
  { text: "refuse-connections:times=9", fault: { kind: "refuse-connections", times: 9 } },
  { text: "session-limit:limit=3", fault: { kind: "session-limit", limit: 3 } },
  { text: "disk-full:free-bytes=10G", fault: { kind: "disk-full", freeBytes: 10 * 2 ** 30 } },
  { text: "disk-full", fault: { kind: "disk-full", freeBytes: 0 } },
  {
    text: "lose-replies:percent=1.5%,seed=7",
    fault: { kind: "lose-replies", percent: 1.5, seed: 7 },
  },
  {
    text: "late-export:slot=a,seconds=20",
    fault: { kind: "late-export", seconds: 20, slot: "a", times: 1 },
  },
  {
    text: "late-namespace:slot=csi-1.b,seconds=0.5,times=2,skip=1",
    fault: { kind: "late-namespace", seconds: 0.5, slot: "csi-1.b", times: 2, skip: 1 },
  },
  { text: "new-identity:slot=a", fault: { kind: "new-identity", slot: "a", times: 1 } },
  {
    text: "new-controller:slot=a,least-id=500",
    fault: { kind: "new-controller", leastId: 500, slot: "a", times: 1 },
  },
  {
    text: "same-identity:slot=a,as=b",
    fault: { kind: "same-identity", as: "b", slot: "a", times: 1 },
  },
  { text: "reboot:seconds=0.5", fault: { kind: "reboot", seconds: 0.5 } },
];

for (const { text, fault } of FAULTS) {
  Deno.test(`parseFault() reads ${text}, and the fault survives both notations`, () => {
    assert.deepEqual(parseFault(text), fault);
    assert.deepEqual(parseFault(formatFault(fault)), fault);
    assert.deepEqual(faultOf(JSON.parse(JSON.stringify(fault))), fault);
    assert.deepEqual(parseRequest(JSON.stringify({ add: fault })), { add: fault });
  });
}

const WRONG: readonly { text: string; message: RegExp }[] = [
  { text: "reset", message: /unknown fault "reset"; allowed: refuse-connections, / },
  { text: "hang:times=0", message: /field "times" of fault "hang" is 0; allowed: a whole number/ },
  { text: "hang:times=two", message: /"times".*missing or no number/ },
  { text: "hang:seconds=2", message: /unknown field "seconds" of fault "hang"; allowed: times=N/ },
  { text: "hang:on=handshake", message: /"on".*"handshake"; allowed: some of read, add/ },
  { text: "session-limit", message: /"limit".*missing/ },
  { text: "new-identity", message: /"slot".*allowed: the slot of a disk/ },
  { text: "same-identity:slot=a", message: /"as".*allowed: the slot of a disk/ },
  { text: "late-export:slot=a", message: /"seconds".*missing/ },
  {
    text: "new-controller:slot=a,least-id=65520",
    message: /"least-id".*is 65520; allowed: a whole number from 1 to 65519/,
  },
  { text: "lose-replies:percent=101", message: /is 101; allowed: a number from 0 to 100/ },
  { text: "disk-full:free-bytes=lots", message: /is "lots"; allowed: bytes, or a size such as/ },
];

for (const { text, message } of WRONG) {
  Deno.test(`parseFault() refuses ${text} and says what is allowed`, () => {
    assert.throws(() => parseFault(text), message);
  });
}

Deno.test("parseRequest() refuses what is no request and says what is allowed", () => {
  assert.throws(() => parseRequest("nonsense"), SyntaxError);
  assert.throws(() => parseRequest("[]"), /a request is a JSON object/);
  assert.throws(() => parseRequest('{"stop":true}'), /one of the fields add, clear, latency/);
  assert.throws(() => parseRequest('{"clear":true,"status":true}'), /one of the fields/);
  assert.throws(() => parseRequest('{"latency":{"write":1}}'), /unknown latency class "write"/);
  assert.throws(() => latencyOf({ add: -1 }), /latency of "add" is -1; allowed: milliseconds/);
  assert.throws(() => parseRequest('{"commands":{"last":-1}}'), /"last" is -1/);
  assert.throws(() => parseRequest('{"reboot":{}}'), /"seconds" of a reboot/);
});

const LINES: readonly [string, string][] = [
  ["/disk/add type=file slot=x", "add"],
  ["/disk add type=file comment=remove", "add"],
  ["/disk/set [find where slot=x] comment=hello", "change"],
  ['/disk/print where comment="add remove"', "read"],
  ['/disk/print detail where comment~"x"', "read"],
  ["/disk comment x comment=y", "change"],
  ["/file/copy a name=b", "add"],
  [':onerror e in={ /disk/add slot="x" } do={ /disk/remove x }', "add"],
  [":if (1=2) do={ /disk/remove x }; /disk/add slot=x; /disk/set x comment=y", "add"],
  ["/disk/set x nvme-tcp-export=no; /disk/remove x", "remove"],
  [":if (1=1) do={/file/remove [find where name=x]}", "remove"],
  [':put "/disk/add"', "read"],
  [":set x 1; :put [/system/resource/get version]", "read"],
  ["/disk/btrfs/subvolume/add fs=a name=b", "add"],
];

for (const [line, lineClass] of LINES) {
  Deno.test(`classifyLine() calls ${line} a ${lineClass}`, () => {
    assert.equal(classifyLine(line), lineClass);
  });
}

Deno.test("a plan holds a bounded number of faults", () => {
  const plan = new FaultPlan();
  for (let n = 0; n < MAX_WAITING_FAULTS; n += 1) plan.add({ kind: "hang", times: 1 });
  assert.throws(() => plan.add({ kind: "hang", times: 1 }), /1000 are waiting already/);
  plan.clear();
  assert.deepEqual(plan.waiting(), []);
});

Deno.test("a plan tells what is left of a fault and how often it struck", () => {
  const plan = new FaultPlan();
  plan.add({ kind: "hang", times: 2, skip: 1 });
  assert.equal(plan.strikeCommand("read"), undefined);
  assert.equal(plan.strikeCommand("read")?.kind, "hang");
  assert.deepEqual(plan.waiting(), [{ kind: "hang", times: 1, skip: 0 }]);
  assert.deepEqual(plan.struck(), { hang: 1 });
});

Deno.test("parseLoginName() keeps names that only look like they had a suffix", () => {
  assert.deepEqual(parseLoginName("a+b"), { user: "a+b", width: undefined });
  assert.deepEqual(parseLoginName("admin+"), { user: "admin", width: undefined });
  assert.deepEqual(parseLoginName("admin+9w"), { user: "admin", width: 40 });
});

Deno.test("parseAuthorizedKeys() refuses what RouterOS would not import", () => {
  const ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==";
  assert.throws(
    () => parseAuthorizedKeys(`# mine\n${ecdsa}`, "FILE"),
    /FILE line 2: unable to load/,
  );
  assert.throws(() => parseAuthorizedKeys("hello", "FILE"), /FILE line 1: unable to load key file/);
  assert.deepEqual(parseAuthorizedKeys("\n# none\n", "FILE"), []);
});

Deno.test("parseBytes() reads sizes in powers of 1024", () => {
  assert.equal(parseBytes("1024"), 1024);
  assert.equal(parseBytes("7.5TiB"), 7.5 * 2 ** 40);
  assert.equal(parseBytes("10G"), 10 * 2 ** 30);
  for (const text of ["", "G", "-1", "1X", "99999P"]) assert.equal(parseBytes(text), undefined);
});
