import assert from "node:assert/strict";
import { MemoryRds } from "../../../src/adapters/memory/rds.ts";
import type { PublishRequest } from "../../../src/application/publication.ts";
import { GIB } from "../../../src/domain/capacity.ts";
import { parsePublishContext } from "../../../src/domain/publish_context.ts";
import type { Publication, Volume } from "../../../src/domain/volume.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import {
  aBackend,
  aController,
  aPublishRequest,
  FOREVER,
  madeVolume,
  MOUNT,
  SHARED_BLOCK,
} from "../../builders/controller.ts";
import type { Controller } from "../../builders/controller.ts";
import { aNodeId, aPublication } from "../../builders/stores.ts";
import type { VolumeStore } from "../../../src/ports/volume_store.ts";

const V = volumeIdForName("v");
const SECOND = aNodeId("worker-2", "2");

async function publicationsOf({ volumes }: Controller): Promise<readonly Publication[]> {
  return (await volumes.get(V, FOREVER)).publications;
}

async function aControllerWithVolume(): Promise<Controller> {
  const controller = aController();
  await madeVolume(controller, "v", { capabilities: [SHARED_BLOCK] });
  return controller;
}

Deno.test("publish() records the node and says where the volume is", async () => {
  const controller = await aControllerWithVolume();
  const context = await controller.publications.publish(aPublishRequest("v"), FOREVER);
  assert.deepEqual(await publicationsOf(controller), [aPublication()]);
  const { nqn, port } = await controller.volumes.get(V, FOREVER);
  assert.deepEqual(context, {
    nqn,
    port: String(port),
    address: "one.storage.example",
    capacityBytes: String(GIB),
    isCopy: "false",
    ctrlLossTmo: "-1",
    reconnectDelay: "5",
    keepAliveTmo: "10",
  });
  assert.equal(parsePublishContext(context).nqn, nqn);
});

Deno.test("publish() called again gives the same answer and records nothing twice", async () => {
  const controller = await aControllerWithVolume();
  const contexts = [
    await controller.publications.publish(aPublishRequest("v"), FOREVER),
    await controller.publications.publish(aPublishRequest("v"), FOREVER),
  ];
  assert.deepEqual(contexts[1], contexts[0]);
  assert.equal((await publicationsOf(controller)).length, 1);
});

Deno.test("publish() overlays the class by what was changed since", async () => {
  const controller = await aControllerWithVolume();
  await controller.volumes.modify(V, { keepAliveTmo: "20" }, FOREVER);
  const volumeContext = {
    keepAliveTmo: "60",
    ctrlLossTmo: "600",
    nvmeAddress: "2001:db8::7",
    "storage.kubernetes.io/csiProvisionerIdentity": "1767225600-1-rds.csi.srvlab.io",
  };
  const request = aPublishRequest("v", { volumeContext });
  const context = await controller.publications.publish(request, FOREVER);
  assert.equal(context["keepAliveTmo"], "20");
  assert.equal(context["ctrlLossTmo"], "600");
  assert.equal(context["address"], "2001:db8::7");
});

Deno.test("publish() keeps a volume usable whose class contradicts the later change", async () => {
  const controller = await aControllerWithVolume();
  await controller.volumes.modify(V, { reconnectDelay: "60" }, FOREVER);
  const request = aPublishRequest("v", { volumeContext: { ctrlLossTmo: "30" } });
  const context = await controller.publications.publish(request, FOREVER);
  assert.equal(context["reconnectDelay"], "60");
  assert.equal(context["ctrlLossTmo"], "-1");
});

Deno.test("publish() of a volume for one node fails with in-use naming the holder", async () => {
  const controller = await aControllerWithVolume();
  await controller.publications.publish(aPublishRequest("v"), FOREVER);
  for (const capability of [MOUNT, SHARED_BLOCK]) {
    const request = aPublishRequest("v", { nodeId: SECOND, capability });
    await assert.rejects(controller.publications.publish(request, FOREVER), {
      code: "in-use",
      message: /to node "worker-2": it is published to "worker-1"/,
    });
  }
  assert.deepEqual(await publicationsOf(controller), [aPublication()]);
});

Deno.test("publish() lets two nodes share a raw device, and no third", async () => {
  const controller = await aControllerWithVolume();
  const nodes = [aNodeId("worker-1"), SECOND];
  for (const nodeId of nodes) {
    const request = aPublishRequest("v", { nodeId, capability: SHARED_BLOCK });
    await controller.publications.publish(request, FOREVER);
  }
  assert.deepEqual((await publicationsOf(controller)).map(({ node }) => node), nodes);
  const third = aPublishRequest("v", {
    nodeId: aNodeId("worker-3", "3"),
    capability: SHARED_BLOCK,
  });
  await assert.rejects(controller.publications.publish(third, FOREVER), {
    code: "in-use",
    message: /"worker-1" and "worker-2"/,
  });
});

Deno.test("publish() to the same node in another way fails with already-exists", async () => {
  const controller = await aControllerWithVolume();
  await controller.publications.publish(aPublishRequest("v"), FOREVER);
  const others: Partial<PublishRequest>[] = [{ isReadOnly: true }, { capability: SHARED_BLOCK }];
  for (const differing of others) {
    const published = controller.publications.publish(aPublishRequest("v", differing), FOREVER);
    await assert.rejects(published, { code: "already-exists" });
  }
});

Deno.test("publish() records a reader of one node as read-only", async () => {
  const controller = await aControllerWithVolume();
  const capability = { ...MOUNT, mode: "SINGLE_NODE_READER_ONLY" } as const;
  await controller.publications.publish(aPublishRequest("v", { capability }), FOREVER);
  assert.deepEqual(await publicationsOf(controller), [aPublication({ isReadOnly: true })]);
});

Deno.test("publish() fails with not-found for no volume, and for a node that cannot be ours", async () => {
  const controller = await aControllerWithVolume();
  for (
    const request of [
      aPublishRequest("never-made"),
      aPublishRequest("v", { nodeId: "some-fake-node-id" }),
    ]
  ) {
    const published = controller.publications.publish(request, FOREVER);
    await assert.rejects(published, { code: "not-found" });
  }
  assert.deepEqual(await publicationsOf(controller), []);
});

Deno.test("unpublish() takes one node away, or all when none is named", async () => {
  const controller = await aControllerWithVolume();
  for (const nodeId of [aNodeId("worker-1"), SECOND]) {
    const request = aPublishRequest("v", { nodeId, capability: SHARED_BLOCK });
    await controller.publications.publish(request, FOREVER);
  }
  await controller.publications.unpublish(V, aNodeId("worker-1"), FOREVER);
  assert.deepEqual((await publicationsOf(controller)).map(({ node }) => node), [SECOND]);
  await controller.publications.publish(
    aPublishRequest("v", { capability: SHARED_BLOCK }),
    FOREVER,
  );
  await controller.publications.unpublish(V, "", FOREVER);
  assert.deepEqual(await publicationsOf(controller), []);
});

Deno.test("unpublish() succeeds for a volume or a node that is unknown, and takes nobody else away", async () => {
  const controller = await aControllerWithVolume();
  await controller.publications.publish(aPublishRequest("v"), FOREVER);
  const unknown = [[volumeIdForName("never-made"), ""], ["no-id", ""], [V, "no-node"], [V, SECOND]];
  for (const [id = "", node = ""] of unknown) {
    await controller.publications.unpublish(id, node, FOREVER);
  }
  assert.deepEqual(await publicationsOf(controller), [aPublication()]);
});

/** `rds` with `meanwhile` happening before the first `times` amendments, done by somebody else. */
function contended(
  rds: MemoryRds,
  times: number,
  meanwhile: (volume: Volume, turn: number) => Promise<unknown>,
): VolumeStore {
  const { volumes } = rds;
  let turn = 0;
  return {
    create: (wanted, signal) => volumes.create(wanted, signal),
    find: (id, signal) => volumes.find(id, signal),
    list: (signal) => volumes.list(signal),
    expand: (id, capacityBytes, signal) => volumes.expand(id, capacityBytes, signal),
    delete: (id, signal) => volumes.delete(id, signal),
    capacity: (signal) => volumes.capacity(signal),
    amend: async (volume, amendment, signal) => {
      if (turn < times) await meanwhile(volume, ++turn);
      return await volumes.amend(volume, amendment, signal);
    },
  };
}

/** A controller with volume "v", whose record somebody else changes `times` times. */
async function aContended(times: number): Promise<Controller> {
  const rds = new MemoryRds();
  const volumes = contended(rds, times, (volume, turn) => {
    return rds.volumes.amend(volume, { reconnect: { nrIoQueues: turn } }, FOREVER);
  });
  const controller = aController([{ ...aBackend("one", rds), volumes }]);
  await madeVolume(controller, "v");
  return controller;
}

Deno.test("publish() reads again when the record changed in between, and keeps that change", async () => {
  const controller = await aContended(2);
  await controller.publications.publish(aPublishRequest("v"), FOREVER);
  const volume = await controller.volumes.get(V, FOREVER);
  assert.deepEqual(volume.publications, [aPublication()]);
  assert.deepEqual(volume.reconnect, { nrIoQueues: 2 });
});

Deno.test("publish() gives up with busy when the record changes every time", async () => {
  const controller = await aContended(64);
  const published = controller.publications.publish(aPublishRequest("v"), FOREVER);
  await assert.rejects(published, { code: "busy" });
  assert.deepEqual(await publicationsOf(controller), []);
});

Deno.test("unpublish() succeeds when the volume vanishes meanwhile, publish() fails", async () => {
  const rds = new MemoryRds();
  const vanishing = contended(rds, 99, async (volume) => {
    await rds.volumes.amend(volume, { publications: [] }, FOREVER);
    await rds.volumes.delete(volume.id, FOREVER);
  });
  const undisturbed = aController([aBackend("one", rds)]);
  const { publications } = aController([{ ...aBackend("one", rds), volumes: vanishing }]);
  await madeVolume(undisturbed, "v");
  await undisturbed.publications.publish(aPublishRequest("v"), FOREVER);
  await publications.unpublish(V, "", FOREVER);
  await madeVolume(undisturbed, "v");
  const published = publications.publish(aPublishRequest("v"), FOREVER);
  await assert.rejects(published, { code: "not-found" });
});

Deno.test("publish() is refused while another operation on the volume runs", async () => {
  const controller = await aControllerWithVolume();
  const grown = controller.volumes.expand(V, { requiredBytes: 2 * GIB, limitBytes: 0 }, FOREVER);
  const published = controller.publications.publish(aPublishRequest("v"), FOREVER);
  await assert.rejects(published, { code: "busy" });
  await grown;
  await controller.publications.publish(aPublishRequest("v"), FOREVER);
});
