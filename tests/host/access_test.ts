/** Who may have a volume where, and how, on real mounts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { VolumeCapability_AccessMode_Mode as Mode } from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { codeOf } from "../../tools/trial/csi_client.ts";
import { mount } from "../integration/shipped/requests.ts";
import { HostLab } from "./lab.ts";
import { hostTest } from "./machine.ts";

const SIZE_MIB = 1024n;

hostTest("pods of one node share a volume; a second node gets none of it", async () => {
  await using lab = await HostLab.open();
  await lab.trial.startNode(2);
  const capability = mount(Mode.SINGLE_NODE_WRITER, "ext4");
  const volume = await lab.create("shared", capability, SIZE_MIB);
  const use = await lab.attach(volume, capability);
  const second = `${use.target}-second`;
  await lab.publish(use, { target: second });
  await Deno.writeTextFile(join(use.target, "a"), "from one pod");
  assert.equal(await Deno.readTextFile(join(second, "a")), "from one pod");
  await assertCode(lab.admit(volume, capability, 2), status.FAILED_PRECONDITION);
  // The other's stays while one goes.
  await lab.unpublish(use);
  assert.equal(await Deno.readTextFile(join(second, "a")), "from one pod");
  await assertCode(lab.unstage(use), status.FAILED_PRECONDITION);
  await lab.unpublish(use, second);
  await lab.detach(use);
  await lab.delete(volume);
  await lab.assertNothingLeft();
});

hostTest("a volume for one pod is in one place", async () => {
  await using lab = await HostLab.open();
  const capability = mount(Mode.SINGLE_NODE_SINGLE_WRITER, "xfs");
  const volume = await lab.create("single", capability, SIZE_MIB);
  const use = await lab.attach(volume, capability);
  const second = `${use.target}-second`;
  await assertCode(lab.publish(use, { target: second }), status.FAILED_PRECONDITION);
  await lab.publish(use);
  await lab.detach(use);
  await lab.delete(volume);
  await lab.assertNothingLeft();
});

hostTest("what a pod gets read-only it cannot write, beside one that can", async () => {
  await using lab = await HostLab.open();
  const capability = mount(Mode.SINGLE_NODE_WRITER, "btrfs");
  const volume = await lab.create("mixed", capability, SIZE_MIB);
  const use = await lab.attach(volume, capability);
  const reader = `${use.target}-reader`;
  await lab.publish(use, { target: reader, readonly: true });
  await Deno.writeTextFile(join(use.target, "a"), "text");
  assert.equal(await Deno.readTextFile(join(reader, "a")), "text");
  await assert.rejects(Deno.writeTextFile(join(reader, "a"), "other"), /[Rr]ead-only file system/);
  await assertCode(lab.publish(use, { target: reader }), status.ALREADY_EXISTS);
  await lab.unpublish(use, reader);
  await lab.detach(use);

  const readOnly = mount(Mode.SINGLE_NODE_READER_ONLY, "btrfs");
  const again = await lab.attach(volume, readOnly);
  assert.equal(await Deno.readTextFile(join(again.target, "a")), "text");
  await assert.rejects(Deno.writeTextFile(join(again.target, "b"), ""), /[Rr]ead-only file system/);
  await lab.detach(again);
  await lab.delete(volume);
  await lab.assertNothingLeft();
});

async function assertCode(call: Promise<unknown>, code: status): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.equal(codeOf(error), code, String(error));
    return true;
  });
}
