/**
 * The whole life of a volume, as a cluster would live it, over gRPC: the steps of the demo.
 * Each step does its calls and says in a few words what came of them, or throws.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  Controller,
  Node,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { Volume, VolumeCapabilitySchema } from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { CsiClient } from "../trial/csi_client.ts";
import type { Trial } from "../trial/processes.ts";

/** One step: a title, and what it does; the result is a few words for the screen. */
export interface Step {
  readonly title: string;
  readonly run: () => Promise<string>;
}

const GIB = 1024 ** 3;
const PATTERN_BYTES = 8 * 1024 * 1024;

/** What a pod has of a volume: what it asks for, where its bytes are, and how large that is. */
interface Kind {
  readonly capability: MessageInitShape<typeof VolumeCapabilitySchema>;
  /** What is at the target path, in words. */
  readonly noun: string;
  pathIn(target: string): string;
  /** Bytes as the pod sees them. */
  sizeOf(target: string): Promise<number>;
  /** Whether the pod sees a volume of so many bytes as large as it is. */
  isWhole(shown: number, bytes: number): boolean;
}

const accessMode = { mode: Mode.SINGLE_NODE_WRITER } as const;
/** A file system keeps a part of its device for itself. */
const LEAST_PART = 0.9;

/** A raw device: in a trial without a kernel, the simulator's file itself. */
const RAW_BLOCK: Kind = {
  capability: { accessType: { case: "block", value: {} }, accessMode },
  noun: "device",
  pathIn: (target) => target,
  sizeOf: async (target) => (await Deno.stat(target)).size,
  isWhole: (shown, bytes) => shown === bytes,
};

/** A real file system that the kernel grows while it is in use. */
const XFS: Kind = {
  capability: { accessType: { case: "mount", value: { fsType: "xfs" } }, accessMode },
  noun: "xfs",
  pathIn: (target) => join(target, "data"),
  sizeOf: fileSystemSize,
  isWhole: (shown, bytes) => shown <= bytes && shown > LEAST_PART * bytes,
};

/** The kind of volumes that shows most on each kind of node. */
export const KINDS: Readonly<Record<"trial" | "loop", Kind>> = { trial: RAW_BLOCK, loop: XFS };

/** A volume that is in use on the node. */
interface Attached {
  readonly volume: Volume;
  readonly staging: string;
  readonly target: string;
}

/** The calls of the demo, and what they have made so far. */
class Life implements Disposable {
  readonly #controller: CsiClient;
  readonly #node: CsiClient;
  readonly #directory: string;
  readonly kind: Kind;
  #nodeId = "";

  constructor(trial: Trial, kind: Kind) {
    this.kind = kind;
    this.#controller = new CsiClient(trial.controllerSocket);
    this.#node = new CsiClient(trial.nodeSocket);
    this.#directory = trial.directory;
  }

  async create(
    name: string,
    gib: number,
    source?: { readonly volume: string } | { readonly snapshot: string },
  ): Promise<Volume> {
    const reply = await this.#controller.call(Controller.method.createVolume, {
      name,
      capacityRange: { requiredBytes: BigInt(gib * GIB) },
      volumeCapabilities: [this.kind.capability],
      ...(source === undefined ? {} : { volumeContentSource: { type: sourceMessage(source) } }),
    });
    assert(reply.volume !== undefined, "CreateVolume replied without a volume");
    return reply.volume;
  }

  async attach(volume: Volume): Promise<Attached> {
    if (this.#nodeId === "") {
      this.#nodeId = (await this.#node.call(Node.method.nodeGetInfo, {})).nodeId;
    }
    const { volumeId, volumeContext } = volume;
    const volumeCapability = this.kind.capability;
    const { publishContext } = await this.#controller.call(
      Controller.method.controllerPublishVolume,
      { volumeId, nodeId: this.#nodeId, volumeCapability, volumeContext },
    );
    const staging = join(this.#directory, "staging", volumeId);
    const target = join(this.#directory, "target", volumeId);
    await Deno.mkdir(staging, { recursive: true });
    await Deno.mkdir(join(this.#directory, "target"), { recursive: true });
    const common = { volumeId, publishContext, volumeContext, volumeCapability };
    await this.#node.call(Node.method.nodeStageVolume, { ...common, stagingTargetPath: staging });
    await this.#node.call(Node.method.nodePublishVolume, {
      ...common,
      stagingTargetPath: staging,
      targetPath: target,
    });
    return { volume, staging, target };
  }

  async detach({ volume: { volumeId }, staging, target }: Attached): Promise<void> {
    await this.#node.call(Node.method.nodeUnpublishVolume, { volumeId, targetPath: target });
    await this.#node.call(Node.method.nodeUnstageVolume, { volumeId, stagingTargetPath: staging });
    await this.#controller.call(Controller.method.controllerUnpublishVolume, {
      volumeId,
      nodeId: this.#nodeId,
    });
  }

  async expand({ volume: { volumeId }, target }: Attached, gib: number): Promise<void> {
    const capacityRange = { requiredBytes: BigInt(gib * GIB) };
    const volumeCapability = this.kind.capability;
    await this.#controller.call(Controller.method.controllerExpandVolume, {
      volumeId,
      capacityRange,
      volumeCapability,
    });
    await this.#node.call(Node.method.nodeExpandVolume, {
      volumeId,
      volumePath: target,
      capacityRange,
      volumeCapability,
    });
  }

  async snapshot(name: string, sourceVolumeId: string): Promise<string> {
    const reply = await this.#controller.call(Controller.method.createSnapshot, {
      name,
      sourceVolumeId,
    });
    assert(reply.snapshot?.readyToUse === true, "CreateSnapshot replied with no ready snapshot");
    return reply.snapshot.snapshotId;
  }

  async deleteVolume(volumeId: string): Promise<void> {
    await this.#controller.call(Controller.method.deleteVolume, { volumeId });
  }

  async deleteSnapshot(snapshotId: string): Promise<void> {
    await this.#controller.call(Controller.method.deleteSnapshot, { snapshotId });
  }

  async count(): Promise<{ volumes: number; snapshots: number }> {
    const volumes = await this.#controller.call(Controller.method.listVolumes, {});
    const snapshots = await this.#controller.call(Controller.method.listSnapshots, {});
    return { volumes: volumes.entries.length, snapshots: snapshots.entries.length };
  }

  [Symbol.dispose](): void {
    this.#controller[Symbol.dispose]();
    this.#node[Symbol.dispose]();
  }
}

/** The steps from the first volume to an empty box, over a running trial installation. */
export function stepsOfLife(
  trial: Trial,
  host: keyof typeof KINDS = "trial",
): { steps: Step[]; end: () => void } {
  const life = new Life(trial, KINDS[host]);
  const state = new Story();
  const steps = [
    ...stepsToSnapshot(life, state, trial.directory),
    ...stepsFromSnapshot(life, state),
  ];
  return { steps, end: () => life[Symbol.dispose]() };
}

/** A volume, until only a snapshot of it is left. */
function stepsToSnapshot(life: Life, state: Story, directory: string): Step[] {
  return [
    step("create a 1 GiB volume", async () => {
      const volume = state.keep("first", await life.create("demo-first", 1));
      return volume.volumeId;
    }),
    step("publish, stage and publish", async () => {
      const attached = state.attach("first", await life.attach(state.volume("first")));
      return `the pod's ${life.kind.noun} is ${attached.target.slice(directory.length + 1)}`;
    }),
    step("write 8 MiB", async () => {
      state.digest = await writePattern(life.kind.pathIn(state.attached("first").target), 1);
      return `sha256 ${state.digest.slice(0, 16)}…`;
    }),
    step("snapshot the volume in use", async () => {
      state.snapshotId = await life.snapshot("demo-snapshot", state.volume("first").volumeId);
      return state.snapshotId;
    }),
    step("overwrite the source", async () => {
      const digest = await writePattern(life.kind.pathIn(state.attached("first").target), 2);
      assert.notEqual(digest, state.digest);
      return `sha256 ${digest.slice(0, 16)}…`;
    }),
    step("unpublish and delete the source", async () => {
      await life.detach(state.attached("first"));
      await life.deleteVolume(state.volume("first").volumeId);
      return "only the snapshot is left";
    }),
  ];
}

/** What is made from the snapshot, until nothing is left. */
function stepsFromSnapshot(life: Life, state: Story): Step[] {
  return [
    step("restore the snapshot to 2 GiB", async () => {
      const source = { snapshot: state.snapshotId };
      const volume = state.keep("restored", await life.create("demo-restored", 2, source));
      state.attach("restored", await life.attach(volume));
      const shown = await shownSize(life.kind, state.attached("restored").target, 2);
      return `${volume.volumeId}, the ${life.kind.noun} shows ${shown} bytes`;
    }),
    step("compare bytes", async () => {
      const digest = await digestOf(life.kind.pathIn(state.attached("restored").target));
      assert.equal(digest, state.digest, "The restored bytes are not those of the snapshot");
      return `sha256 ${digest.slice(0, 16)}… as written`;
    }),
    step("expand to 3 GiB while in use", async () => {
      await life.expand(state.attached("restored"), 3);
      const shown = await shownSize(life.kind, state.attached("restored").target, 3);
      return `the ${life.kind.noun} shows ${shown} bytes`;
    }),
    step("clone it", async () => {
      const source = { volume: state.volume("restored").volumeId };
      const volume = state.keep("clone", await life.create("demo-clone", 3, source));
      const attached = state.attach("clone", await life.attach(volume));
      const digest = await digestOf(life.kind.pathIn(attached.target));
      assert.equal(digest, state.digest, "The cloned bytes are not those of the source");
      return `${volume.volumeId}, same bytes`;
    }),
    step("list", async () => {
      const count = await life.count();
      assert.deepEqual(count, { volumes: 2, snapshots: 1 });
      return `${count.volumes} volumes, ${count.snapshots} snapshot`;
    }),
    step("delete everything", async () => {
      for (const name of ["restored", "clone"]) {
        await life.detach(state.attached(name));
        await life.deleteVolume(state.volume(name).volumeId);
      }
      await life.deleteSnapshot(state.snapshotId);
      assert.deepEqual(await life.count(), { volumes: 0, snapshots: 0 });
      return "no volume, no snapshot";
    }),
  ];
}

/** What the steps have made and later ones use. */
class Story {
  digest = "";
  snapshotId = "";
  readonly #volumes = new Map<string, Volume>();
  readonly #attached = new Map<string, Attached>();

  keep(name: string, volume: Volume): Volume {
    this.#volumes.set(name, volume);
    return volume;
  }

  attach(name: string, attached: Attached): Attached {
    this.#attached.set(name, attached);
    return attached;
  }

  volume(name: string): Volume {
    const volume = this.#volumes.get(name);
    assert(volume !== undefined, `There is no volume "${name}"`);
    return volume;
  }

  attached(name: string): Attached {
    const attached = this.#attached.get(name);
    assert(attached !== undefined, `Volume "${name}" is not in use`);
    return attached;
  }
}

function step(title: string, run: () => Promise<string>): Step {
  return { title, run };
}

function sourceMessage(
  source: { readonly volume: string } | { readonly snapshot: string },
): { case: "volume"; value: { volumeId: string } } | {
  case: "snapshot";
  value: { snapshotId: string };
} {
  return "volume" in source
    ? { case: "volume", value: { volumeId: source.volume } }
    : { case: "snapshot", value: { snapshotId: source.snapshot } };
}

/** The bytes that a pod sees of a volume of so many GiB. @throws {Error} when they are too few */
async function shownSize(kind: Kind, target: string, gib: number): Promise<number> {
  const shown = await kind.sizeOf(target);
  assert.ok(kind.isWhole(shown, gib * GIB), `Of ${gib} GiB the ${kind.noun} shows ${shown} bytes`);
  return shown;
}

/** The bytes of the file system at a path, as the kernel counts them. */
async function fileSystemSize(path: string): Promise<number> {
  const args = ["--file-system", "--format=%b %S", path];
  const { stdout } = await new Deno.Command("stat", { args }).output();
  const [blocks, blockBytes] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
  return (blocks ?? NaN) * (blockBytes ?? NaN);
}

/** Writes bytes drawn from `seed` to the start of a device, and reads them back. */
async function writePattern(device: string, seed: number): Promise<string> {
  const block = createHash("sha512").update(`rds-csi demo ${seed}`).digest();
  const pattern = new Uint8Array(PATTERN_BYTES);
  for (let at = 0; at < PATTERN_BYTES; at += block.length) {
    block.writeUInt32LE(at, 0);
    pattern.set(block, at);
  }
  using file = await Deno.open(device, { write: true, create: true });
  let written = 0;
  while (written < pattern.length) written += await file.write(pattern.subarray(written));
  await file.sync();
  return digestOf(device);
}

/** The digest of what a device holds at its start. */
async function digestOf(device: string): Promise<string> {
  using file = await Deno.open(device, { read: true });
  const bytes = new Uint8Array(PATTERN_BYTES);
  let filled = 0;
  while (filled < bytes.length) {
    const count = await file.read(bytes.subarray(filled));
    assert(count !== null, `The device ends after ${filled} bytes`);
    filled += count;
  }
  return createHash("sha256").update(bytes).digest("hex");
}
