/** The calls that change volumes, and what the model says must come of them. */
import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Controller,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type {
  Volume,
  VolumeCapabilitySchema,
  VolumeContentSourceSchema,
} from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { isPolicy, policyOf, sizeFor, strangeSnapshotId } from "./oracle.ts";
import type { ExpectedPublication, ExpectedVolume, Oracle } from "./oracle.ts";
import { planned } from "./planned_call.ts";
import type { PlannedCall, ReadContent, Status } from "./planned_call.ts";
import { CHANGES, CLASSES, NODES, SIZES, USES, VOLUME_NAMES } from "./steps.ts";
import type { SourceStep, VolumeCall } from "./steps.ts";

type Calls = { readonly [Kind in VolumeCall["call"]]: VolumeCall & { call: Kind } };
type UseKey = keyof typeof USES;
type Source = NonNullable<ExpectedVolume["source"]>;

/** The address that volumes are reached at where a class names none. */
export const STORAGE_ADDRESS = "192.0.2.1";

/** Plans one call. */
export function planVolumeCall(oracle: Oracle, step: VolumeCall, read: ReadContent): PlannedCall {
  switch (step.call) {
    case "create-volume":
      return planCreate(oracle, step, read);
    case "delete-volume":
      return planDelete(oracle, step.name);
    case "expand":
      return planExpand(oracle, step);
    case "modify":
      return planModify(oracle, step);
    case "publish":
      return planPublish(oracle, step);
    case "unpublish":
      return planUnpublish(oracle, step.name, step.node);
  }
}

/** Deletes the volume called so. */
export function planDelete(oracle: Oracle, name: number): PlannedCall {
  const volume = oracle.volumes.get(name);
  const isHeld = volume !== undefined && volume.publications.length > 0;
  return planned(
    Controller.method.deleteVolume,
    { volumeId: oracle.volumeId(name) },
    isHeld ? ["FAILED_PRECONDITION"] : [],
    () => void oracle.volumes.delete(name),
  );
}

/** Deletes a volume or snapshot that the model does not know, but that may stand half-done. */
export function planDeleteById(id: string): PlannedCall {
  const { method } = Controller;
  return id.startsWith("snap-")
    ? planned(method.deleteSnapshot, { snapshotId: id }, [])
    : planned(method.deleteVolume, { volumeId: id }, []);
}

/** Takes the volume called so from a node, or from all. */
export function planUnpublish(oracle: Oracle, name: number, node: number | undefined): PlannedCall {
  const volume = oracle.volumes.get(name);
  const nodeId = node === undefined ? "" : NODES[node] ?? "";
  return planned(
    Controller.method.controllerUnpublishVolume,
    { volumeId: oracle.volumeId(name), nodeId },
    [],
    () => {
      if (volume === undefined) return;
      volume.publications = volume.publications.filter((held) =>
        node !== undefined && held.node !== nodeId
      );
    },
  );
}

/** A capability as CSI has it. */
export function capabilityOf(use: UseKey): MessageInitShape<typeof VolumeCapabilitySchema> {
  const { mode, isBlock } = USES[use];
  return {
    accessMode: { mode: Mode[mode] },
    accessType: isBlock ? { case: "block", value: {} } : { case: "mount", value: {} },
  };
}

/** Compares a volume in an answer with the one that must exist. */
export function checkVolume(shown: Volume | undefined, volume: ExpectedVolume): void {
  const { type } = shown?.contentSource ?? {};
  const source = type?.case === "volume"
    ? `volume:${type.value.volumeId}`
    : type?.case === "snapshot"
    ? `snapshot:${type.value.snapshotId}`
    : undefined;
  assert.deepEqual(
    { id: shown?.volumeId, sizeBytes: Number(shown?.capacityBytes), source },
    { id: volume.id, sizeBytes: volume.sizeBytes, source: volume.source },
  );
}

function planCreate(oracle: Oracle, step: Calls["create-volume"], read: ReadContent): PlannedCall {
  const { name, size, use, parameters } = step;
  const source = sourceOf(oracle, step.source);
  const existing = oracle.volumes.get(name);
  const failures = requestFailures(step);
  if (failures.length === 0 && existing !== undefined) {
    failures.push(...differences(existing, step, source));
  }
  if (failures.length === 0 && existing === undefined) failures.push(...obstacles(oracle, step));
  const content = contentOf(oracle, step.source);
  const sizeBytes = sizeFor(SIZES[size], content?.sizeBytes ?? 0);
  const { method } = Controller;
  return planned(
    method.createVolume,
    {
      name: VOLUME_NAMES[name] ?? "",
      capacityRange: {
        requiredBytes: BigInt(SIZES[size].requiredBytes),
        limitBytes: BigInt(SIZES[size].limitBytes),
      },
      volumeCapabilities: [capabilityOf(use)],
      parameters: { ...CLASSES[parameters] },
      ...sourceMessage(oracle, step.source),
    },
    failures,
    async ({ volume }) => {
      const there = oracle.volumes.get(name);
      const made: ExpectedVolume = there ?? {
        id: oracle.volumeId(name),
        sizeBytes: Number(sizeBytes),
        source,
        content: content?.content ?? "",
        context: volume?.volumeContext ?? {},
        ofClass: policyPart(CLASSES[parameters]),
        changed: {},
        publications: [],
        port: undefined,
      };
      checkVolume(volume, made);
      assert.equal(await read(made.id), made.content, `content of ${made.id} as created`);
      oracle.volumes.set(name, made);
    },
  );
}

/** What is wrong with a request whatever exists. */
function requestFailures({ size, use, parameters, source }: Calls["create-volume"]): Status[] {
  const failures: Status[] = [];
  if (source.from === "nonsense") failures.push("NOT_FOUND");
  if (!isOffered(use) || parameters === "unknownKey" || parameters === "contradictory") {
    failures.push("INVALID_ARGUMENT");
  }
  const sizeBytes = sizeFor(SIZES[size], 0);
  if (typeof sizeBytes !== "number") failures.push(sizeBytes);
  return failures;
}

function differences(
  existing: ExpectedVolume,
  { size }: Calls["create-volume"],
  source: Source | undefined,
): Status[] {
  const { requiredBytes, limitBytes } = SIZES[size];
  const fits = existing.sizeBytes >= requiredBytes &&
    (limitBytes === 0 || existing.sizeBytes <= limitBytes);
  return fits && existing.source === source ? [] : ["ALREADY_EXISTS"];
}

/** What stands in the way of a new volume; of several, any may be told. */
function obstacles(oracle: Oracle, { size, source }: Calls["create-volume"]): Status[] {
  const failures: Status[] = [];
  if (source.from !== "nothing") {
    const content = contentOf(oracle, source);
    if (content === undefined) failures.push("NOT_FOUND");
    if (oracle.copies === "refused" || (oracle.copies === "full" && content?.isPublished)) {
      failures.push("FAILED_PRECONDITION");
    }
    if (sizeFor(SIZES[size], content?.sizeBytes ?? 0) === "OUT_OF_RANGE") {
      failures.push("OUT_OF_RANGE");
    }
  }
  if (oracle.isFull) failures.push("RESOURCE_EXHAUSTED");
  return failures;
}

function contentOf(
  oracle: Oracle,
  source: SourceStep,
):
  | { readonly sizeBytes: number; readonly content: string; readonly isPublished: boolean }
  | undefined {
  if (source.from === "volume") {
    const volume = oracle.volumes.get(source.name);
    return volume && { ...volume, isPublished: volume.publications.length > 0 };
  }
  if (source.from !== "snapshot") return undefined;
  const snapshot = oracle.snapshots.get(source.name);
  return snapshot && { ...snapshot, isPublished: false };
}

function sourceOf(oracle: Oracle, source: SourceStep): Source | undefined {
  if (source.from === "volume") return `volume:${oracle.volumeId(source.name)}`;
  if (source.from === "snapshot") return `snapshot:${oracle.snapshotId(source.name)}`;
  return source.from === "nothing" ? undefined : `snapshot:${strangeSnapshotId(0)}`;
}

function sourceMessage(
  oracle: Oracle,
  source: SourceStep,
): { volumeContentSource?: MessageInitShape<typeof VolumeContentSourceSchema> } {
  if (source.from === "nothing") return {};
  if (source.from === "volume") {
    const volumeId = oracle.volumeId(source.name);
    return { volumeContentSource: { type: { case: "volume", value: { volumeId } } } };
  }
  const snapshotId = source.from === "snapshot"
    ? oracle.snapshotId(source.name)
    : source.from === "stranger"
    ? strangeSnapshotId(0)
    : "snap-of-somebody";
  return { volumeContentSource: { type: { case: "snapshot", value: { snapshotId } } } };
}

function planExpand(oracle: Oracle, { name, size }: Calls["expand"]): PlannedCall {
  const volume = oracle.volumes.get(name);
  const range = SIZES[size];
  const sizeBytes = sizeFor(range, 0);
  const failures: Status[] = [];
  if (range.requiredBytes === 0 && range.limitBytes === 0) failures.push("INVALID_ARGUMENT");
  else if (typeof sizeBytes !== "number") failures.push(sizeBytes);
  else if (volume === undefined) failures.push("NOT_FOUND");
  else if (range.limitBytes > 0 && volume.sizeBytes > range.limitBytes) {
    failures.push("OUT_OF_RANGE");
  } else if (oracle.isFull && sizeBytes > volume.sizeBytes) failures.push("RESOURCE_EXHAUSTED");
  return planned(
    Controller.method.controllerExpandVolume,
    {
      volumeId: oracle.volumeId(name),
      capacityRange: {
        requiredBytes: BigInt(range.requiredBytes),
        limitBytes: BigInt(range.limitBytes),
      },
    },
    failures,
    ({ capacityBytes, nodeExpansionRequired }) => {
      assert.ok(volume);
      volume.sizeBytes = Math.max(volume.sizeBytes, Number(sizeBytes));
      assert.equal(Number(capacityBytes), volume.sizeBytes);
      assert.equal(nodeExpansionRequired, true);
    },
  );
}

function planModify(oracle: Oracle, { name, change }: Calls["modify"]): PlannedCall {
  const volume = oracle.volumes.get(name);
  const mutableParameters: Record<string, string> = { ...CHANGES[change] };
  const changed = { ...volume?.changed, ...mutableParameters };
  const failures: Status[] = [];
  if (change === "fixedKey" || change === "outOfRange") failures.push("INVALID_ARGUMENT");
  else if (volume === undefined) failures.push("NOT_FOUND");
  else if (!isPolicy(changed)) failures.push("INVALID_ARGUMENT");
  const request = { volumeId: oracle.volumeId(name), mutableParameters };
  return planned(Controller.method.controllerModifyVolume, request, failures, () => {
    assert.ok(volume);
    volume.changed = changed;
  });
}

function planPublish(oracle: Oracle, step: Calls["publish"]): PlannedCall {
  const { name, use } = step;
  const volume = oracle.volumes.get(name);
  const wanted: ExpectedPublication = {
    node: NODES[step.node] ?? "",
    isReadOnly: step.isReadOnly || use === "reader",
    isShared: use === "sharedBlock",
  };
  return planned(
    Controller.method.controllerPublishVolume,
    {
      volumeId: oracle.volumeId(name),
      nodeId: wanted.node,
      volumeCapability: capabilityOf(use),
      readonly: step.isReadOnly,
      volumeContext: { ...volume?.context },
    },
    publishFailures(volume, wanted, use),
    ({ publishContext }) => {
      assert.ok(volume);
      const { port } = publishContext;
      assert.match(port ?? "", /^\d+$/);
      const others = [...oracle.volumes.values()].filter((other) => other !== volume);
      assert.ok(others.every((other) => other.port !== port), `port ${port} is given twice`);
      volume.port ??= port;
      if (!volume.publications.some((held) => held.node === wanted.node)) {
        volume.publications = [...volume.publications, wanted];
      }
      assert.deepEqual(publishContext, {
        nqn: `nqn.2000-02.com.mikrotik:${volume.id}`,
        address: volume.context["nvmeAddress"] ?? STORAGE_ADDRESS,
        port: volume.port,
        capacityBytes: String(volume.sizeBytes),
        isCopy: String(volume.source !== undefined),
        ...policyOf(volume),
      });
    },
  );
}

function publishFailures(
  volume: ExpectedVolume | undefined,
  wanted: ExpectedPublication,
  use: UseKey,
): Status[] {
  if (!isOffered(use)) return ["INVALID_ARGUMENT"];
  if (volume === undefined || !wanted.node.includes("@")) return ["NOT_FOUND"];
  const held = volume.publications.find(({ node }) => node === wanted.node);
  if (held !== undefined) {
    const isSame = held.isReadOnly === wanted.isReadOnly && held.isShared === wanted.isShared;
    return isSame ? [] : ["ALREADY_EXISTS"];
  }
  if (volume.publications.length === 0) return [];
  const all = [...volume.publications, wanted];
  return all.length <= 2 && all.every(({ isShared }) => isShared) ? [] : ["FAILED_PRECONDITION"];
}

function isOffered(use: UseKey): boolean {
  return use !== "sharedMount" && use !== "sharedReader";
}

function policyPart(parameters: Readonly<Record<string, string>>): Record<string, string> {
  const { nvmeAddress: _, ...policy } = parameters;
  return policy;
}
