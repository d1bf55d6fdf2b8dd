import assert from "node:assert/strict";
import { StorageError } from "../../../src/domain/errors.ts";
import { nqnOf } from "../../../src/domain/nvme.ts";
import { parsePublishContext, publishContextOf } from "../../../src/domain/publish_context.ts";
import type { PublishedVolume } from "../../../src/domain/publish_context.ts";
import {
  DEFAULT_RECONNECT_POLICY,
  reconnectPolicyOf,
} from "../../../src/domain/reconnect_policy.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";

const NQN = nqnOf(volumeIdForName("one"));
const MINIMAL = {
  nqn: NQN,
  address: "10.0.0.5",
  port: "44200",
  capacityBytes: "1073741824",
  isCopy: "false",
};
const SIZE = { capacityBytes: 1024 ** 3, isCopy: false };

const ROUND_TRIPS: { name: string; volume: PublishedVolume }[] = [
  {
    name: "defaults",
    volume: {
      nqn: NQN,
      at: { address: "10.0.0.5", port: 44_200 },
      policy: DEFAULT_RECONNECT_POLICY,
      ...SIZE,
    },
  },
  {
    name: "every key, an IPv6 address",
    volume: {
      nqn: NQN,
      at: { address: "fd00::1", port: 65_535 },
      policy: reconnectPolicyOf({
        ctrlLossTmo: 600,
        reconnectDelay: 2,
        keepAliveTmo: 5,
        fastIoFailTmo: 30,
        nrIoQueues: 2,
      }),
      capacityBytes: 16 * 1024 ** 4,
      isCopy: true,
    },
  },
  {
    name: "a host name",
    volume: {
      nqn: NQN,
      at: { address: "rds-1.lan", port: 1 },
      policy: DEFAULT_RECONNECT_POLICY,
      ...SIZE,
    },
  },
];

for (const { name, volume } of ROUND_TRIPS) {
  Deno.test(`parsePublishContext() reads what publishContextOf() writes: ${name}`, () => {
    assert.deepEqual(parsePublishContext(publishContextOf(volume)), volume);
  });
}

Deno.test("parsePublishContext() takes the default policy where none is named", () => {
  assert.deepEqual(parsePublishContext(MINIMAL).policy, DEFAULT_RECONNECT_POLICY);
});

const REFUSED: { name: string; context: Record<string, string>; says: RegExp }[] = [
  { name: "an empty context", context: {}, says: /key nqn: it is missing/ },
  { name: "an unknown key", context: { ...MINIMAL, hostnqn: "x" }, says: /hostnqn/ },
  {
    name: "an NQN outside the managed prefix",
    context: { ...MINIMAL, nqn: "nqn.2000-02.com.mikrotik:nixos-boot" },
    says: /nixos-boot/,
  },
  {
    name: "an address with an option in it",
    context: { ...MINIMAL, address: "10.0.0.5,nqn=x" },
    says: /address/,
  },
  { name: "a missing address", context: { nqn: NQN, port: "1" }, says: /address: it is missing/ },
  { name: "port zero", context: { ...MINIMAL, port: "0" }, says: /port: "0"/ },
  { name: "a port above 65535", context: { ...MINIMAL, port: "70000" }, says: /port: "70000"/ },
  { name: "a port with a sign", context: { ...MINIMAL, port: "+44200" }, says: /port/ },
  {
    name: "a size of no bytes",
    context: { ...MINIMAL, capacityBytes: "0" },
    says: /capacityBytes/,
  },
  { name: "an isCopy that is no truth value", context: { ...MINIMAL, isCopy: "" }, says: /isCopy/ },
  { name: "a size with a unit", context: { ...MINIMAL, capacityBytes: "1G" }, says: /"1G"/ },
  { name: "a bad policy value", context: { ...MINIMAL, ctrlLossTmo: "x" }, says: /ctrlLossTmo/ },
];

for (const { name, context, says } of REFUSED) {
  Deno.test(`parsePublishContext() refuses ${name}`, () => {
    assert.throws(
      () => parsePublishContext(context),
      (error: unknown) =>
        error instanceof StorageError && error.code === "invalid" && says.test(error.message),
    );
  });
}
