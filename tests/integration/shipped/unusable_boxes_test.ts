/** Boxes that cannot serve us: each is refused with what has to be done about it. */
import assert from "node:assert/strict";
import {
  Controller,
  Identity,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { type BoxPlan, install } from "./installation.ts";
import { refused } from "./refusals.ts";
import { block, createVolume, deleteVolumes, volumeRequest } from "./requests.ts";

const UNUSABLE: { name: string; plan: BoxPlan; says: RegExp }[] = [
  {
    name: "RouterOS 7.20",
    plan: { flags: ["--routeros", "7.20"] },
    says: /"main": it runs RouterOS "7\.20\.8[^"]*" and at least 7\.21 is needed; upgrade/,
  },
  {
    name: "no package rose-storage",
    plan: { flags: ["--without-package"] },
    says: /install the package rose-storage/,
  },
  {
    name: "a user who may not write",
    plan: { flags: ["--user", "admin:ssh,read"] },
    says: /user "admin" needs the policies ssh, read and write \(it says: not enough permissions/,
  },
  {
    name: "a user who may not log in",
    plan: { settings: { user: "nobody" } },
    says: /refuses the login of user "nobody"/,
  },
  {
    name: "a pool that is not there",
    plan: { settings: { basePath: "/other-pool/k8s" } },
    says: /./,
  },
];

for (const { name, plan, says } of UNUSABLE) {
  Deno.test(`a box is refused with what to do about it: ${name}`, async () => {
    await using shipped = await install({ boxes: { main: plan } });
    const { client } = shipped;
    const isPool = name.startsWith("a pool");
    const code = isPool ? "UNAVAILABLE" : "FAILED_PRECONDITION";
    const create = () => client.call(Controller.method.createVolume, volumeRequest("a"));
    await refused(create(), code, says);
    if (isPool) return;
    await refused(client.call(Controller.method.listVolumes, {}), code, says);
    assert.equal((await client.call(Identity.method.probe, {})).ready, false);
    const lost = await shipped.logged("session-lost");
    assert.match(String(lost["reason"]), says);
  });
}

Deno.test("a box that keeps short comments refuses a volume rather than cut its record", async () => {
  await using shipped = await install({ boxes: { main: { flags: ["--comment-limit", "100"] } } });
  const { client } = shipped;
  const create = client.call(Controller.method.createVolume, volumeRequest("a"));
  await refused(create, "FAILED_PRECONDITION", /comment|record|characters/);
  assert.deepEqual(await shipped.box().files(), []);
});

Deno.test("a box that keeps middling comments takes volumes, and refuses a record that is too long", async () => {
  await using shipped = await install({ boxes: { main: { flags: ["--comment-limit", "160"] } } });
  const { client } = shipped;
  const { volumeId } = await createVolume(client, "a");
  const publish = (node: number) =>
    client.call(Controller.method.controllerPublishVolume, {
      volumeId,
      nodeId: `${"w".repeat(63)}${node}@6ba7b810-9dad-41d1-80b4-00c04fd430c${node}`,
      volumeCapability: block(Mode.MULTI_NODE_MULTI_WRITER),
    });
  await publish(1);
  await refused(
    publish(2),
    "FAILED_PRECONDITION",
    /its record has \d+ characters and the array keeps 160/,
  );
  await client.call(Controller.method.controllerUnpublishVolume, { volumeId });
  await deleteVolumes(client, volumeId);
  assert.deepEqual(await shipped.box().files(), []);
});
