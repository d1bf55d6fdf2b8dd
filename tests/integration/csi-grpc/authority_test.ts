/**
 * Go clients name the server of a Unix socket in `:authority` in their own ways: `localhost` for
 * `unix:` targets (sidecars, csi-sanity), the percent-encoded path for bare paths (kubelet). Other
 * drivers in Node.js had to put a proxy in front because of it; these tests show that ours need not.
 */
import assert from "node:assert/strict";
import { Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { call, openHarness } from "./harness.ts";
import { rawCall } from "./raw_http2.ts";

const PROBE = "/csi.v1.Identity/Probe";
/** One uncompressed message of four bytes: the field `ready` holds a BoolValue of true. */
const READY = [0, 0, 0, 0, 4, 0x0a, 0x02, 0x08, 0x01];

const ANSWERED: { name: string; authority: string }[] = [
  { name: "localhost", authority: "localhost" },
  { name: "a percent-encoded path", authority: "%2Frun%2Fcsi%2Fcsi.sock" },
  {
    name: "a long percent-encoded path",
    authority: "%2Fvar%2Flib%2Fkubelet%2Fplugins%2Frds%2Fcsi.sock",
  },
  { name: "a scheme", authority: "unix" },
  { name: "a relative path", authority: "csi.sock" },
  { name: "a host and a port", authority: "csi.example.org:10000" },
];

for (const { name, authority } of ANSWERED) {
  Deno.test(`a call is answered when its :authority is ${name}`, async () => {
    await using harness = await openHarness();
    const answer = await rawCall(harness.server.path, PROBE, authority);
    assert.equal(answer.kind, "answered", JSON.stringify(answer));
    assert.deepEqual(answer.kind === "answered" ? [...answer.data] : [], READY);
  });
}

/** Refused by the HTTP/2 library of the runtime, before gRPC sees anything. */
const REFUSED: { name: string; authority: string | undefined }[] = [
  // What grpc-go sent for bare paths before it learnt to encode them.
  { name: "a bare path", authority: "/run/csi/csi.sock" },
  { name: "empty", authority: "" },
  { name: "missing", authority: undefined },
];

for (const { name, authority } of REFUSED) {
  Deno.test(`an :authority that is ${name} costs its sender the connection and nobody else`, async () => {
    await using harness = await openHarness();
    const bystander = harness.client();
    await call(bystander, Identity.method.probe, {});
    const answer = await rawCall(harness.server.path, PROBE, authority);
    assert.notEqual(answer.kind, "answered");
    assert.equal((await call(bystander, Identity.method.probe, {})).ready, true);
  });
}
