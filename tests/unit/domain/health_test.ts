import assert from "node:assert/strict";
import { deviceNumberOf } from "../../../src/domain/block_device.ts";
import { diagnose } from "../../../src/domain/health.ts";
import type { Findings, IllReason } from "../../../src/domain/health.ts";

const DEVICE = { number: deviceNumberOf(259, 1), identity: "id-1" };
const OTHER = { number: deviceNumberOf(259, 2), identity: "id-1" };
const LIVE = { state: "live", controllers: ["nvme0"], device: DEVICE } as const;
const WELL: Findings = {
  phase: "staged",
  staged: DEVICE,
  session: LIVE,
  shown: "alive",
  connectFailure: undefined,
};

interface Case {
  readonly name: string;
  readonly differing: Partial<Findings>;
  readonly reason: IllReason;
  readonly says: RegExp;
}

const CASES: readonly Case[] = [
  {
    name: "whose connection is lost waits for the box",
    differing: { session: { ...LIVE, state: "lost" } },
    reason: "waiting-for-box",
    says: /is lost; reads and writes wait/,
  },
  {
    name: "without a connection is being connected again",
    differing: { session: undefined },
    reason: "no-connection",
    says: /no connection .* being made again$/,
  },
  {
    name: "of which the kernel keeps only the device has no connection",
    differing: { session: { state: "closing", controllers: [], device: DEVICE } },
    reason: "no-connection",
    says: /being made again/,
  },
  {
    name: "that the box refuses says what it answered",
    differing: { session: undefined, connectFailure: "the array does not export it" },
    reason: "cannot-connect",
    says: /cannot be made: the array does not export it$/,
  },
  {
    name: "that is connected and has no namespace names the three causes",
    differing: { session: { ...LIVE, device: undefined } },
    reason: "no-namespace",
    says: /another identity.*not enabled.*same identity as another/,
  },
  {
    name: "whose namespace changed says what it was and is",
    differing: { session: { ...LIVE, device: { ...OTHER, identity: "id-2" } }, shown: "dead" },
    reason: "identity-changed",
    says: /was id-1, is id-2.*must be staged again/,
  },
  {
    name: "whose mount is dead has to be staged again",
    differing: { session: { ...LIVE, device: OTHER }, shown: "dead" },
    reason: "mount-dead",
    says: /device behind the volume is gone.*delete the pod/,
  },
  {
    name: "without a connection says that its mount is dead, too",
    differing: { session: undefined, shown: "dead" },
    reason: "no-connection",
    says: /being made again; what is mounted is dead.*delete the pod/,
  },
  {
    name: "that nothing is mounted of has to be staged again",
    differing: { shown: "nothing" },
    reason: "mount-gone",
    says: /nothing is mounted/,
  },
  {
    name: "of raw block with another number has to be staged again",
    differing: { shown: "unasked", session: { ...LIVE, device: OTHER } },
    reason: "mount-dead",
    says: /device 259:2 now and was 259:1/,
  },
  {
    name: "that is being unstaged was ended on purpose",
    differing: { phase: "unstaging", session: undefined },
    reason: "ended",
    says: /being unstaged/,
  },
  {
    name: "that a person gave up was ended on purpose",
    differing: { phase: "abandoned", session: undefined, shown: "dead" },
    reason: "ended",
    says: /detached by force/,
  },
];
for (const { name, differing, reason, says } of CASES) {
  Deno.test(`a volume ${name}`, () => {
    const health = diagnose({ ...WELL, ...differing });
    assert(health.kind === "ill");
    assert.equal(health.reason, reason);
    assert.match(health.message, says);
  });
}

const FINE: readonly (readonly [name: string, differing: Partial<Findings>])[] = [
  ["that is staged, connected and mounted", {}],
  ["of raw block with its device", { shown: "unasked" }],
  ["without a record", { phase: undefined, staged: undefined }],
  ["whose identity was never seen", { staged: { ...DEVICE, identity: undefined } }],
];
for (const [name, differing] of FINE) {
  Deno.test(`a volume ${name} is well`, () => {
    assert.deepEqual(diagnose({ ...WELL, ...differing }), { kind: "well" });
  });
}
