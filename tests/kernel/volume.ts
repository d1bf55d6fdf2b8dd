/** A volume as a cluster uses it, in a laboratory: made, published, staged, used, and taken back. */
import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Controller,
  Node,
  type Volume,
  VolumeCapability_AccessMode_Mode as Mode,
  type VolumeCapabilitySchema,
  type VolumeContentSourceSchema,
} from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { codeOf } from "../../tools/trial/csi_client.ts";
import type { KernelLab, LabNode } from "./scenario.ts";
import { until } from "./waiting.ts";

type Capability = MessageInitShape<typeof VolumeCapabilitySchema>;

/** What to make. */
export interface VolumePlan {
  /** Unique in the laboratory. */
  readonly name: string;
  readonly access: "ext4" | "ext3" | "xfs" | "btrfs" | "block";
  readonly mode?: Mode;
  readonly sizeBytes?: bigint;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly source?: MessageInitShape<typeof VolumeContentSourceSchema>;
}

/** What the kernel of a node shows of a volume. */
export interface KernelView {
  /** The block devices that stand for its namespace: name, `major:minor`, bytes, identity. */
  readonly heads: readonly {
    readonly name: string;
    readonly number: string;
    readonly sizeBytes: number;
    readonly uuid: string;
  }[];
  readonly controllers: readonly { readonly name: string; readonly state: string }[];
  /** The mount at the target path, last one on top: mountinfo's id and device, and all the rest. */
  readonly mount:
    | { readonly id: string; readonly number: string; readonly rest: string }
    | undefined;
}

/** One gibibyte. */
export const GIB: bigint = 1024n ** 3n;
/** A call of the kubelet may take so long here. */
const CALL_MS = 120_000;
const CAPABILITY_MODE = Mode.SINGLE_NODE_WRITER;

/** A volume in a laboratory; deleting it is up to the scenario, see {@link LabVolume.remove}. */
export class LabVolume {
  readonly lab: KernelLab;
  readonly plan: VolumePlan;
  readonly id: string;
  readonly context: Readonly<Record<string, string>>;
  capacityBytes: bigint;
  /** What ControllerPublishVolume said, by node id. */
  readonly #published = new Map<string, Readonly<Record<string, string>>>();

  private constructor(lab: KernelLab, plan: VolumePlan, volume: Volume) {
    this.lab = lab;
    this.plan = plan;
    this.id = volume.volumeId;
    this.context = volume.volumeContext;
    this.capacityBytes = volume.capacityBytes;
  }

  /** Makes a volume on the box. */
  static async create(lab: KernelLab, plan: VolumePlan): Promise<LabVolume> {
    const request = {
      name: plan.name,
      capacityRange: { requiredBytes: plan.sizeBytes ?? GIB },
      volumeCapabilities: [capabilityOf(plan)],
      parameters: plan.parameters ?? {},
      ...(plan.source === undefined ? {} : { volumeContentSource: plan.source }),
    };
    const { volume } = await retried(
      "CreateVolume",
      () => lab.controller.call(Controller.method.createVolume, request, { deadlineMs: CALL_MS }),
    );
    assert.ok(volume !== undefined, "CreateVolume answered without a volume");
    return new LabVolume(lab, plan, volume);
  }

  /** Makes a volume and brings it to a pod's path. */
  static async inUse(
    lab: KernelLab,
    plan: VolumePlan,
    node: LabNode = lab.node,
  ): Promise<LabVolume> {
    const volume = await LabVolume.create(lab, plan);
    await volume.attach(node);
    return volume;
  }

  get nqn(): string {
    return `nqn.2000-02.com.mikrotik:${this.id}`;
  }

  get isBlock(): boolean {
    return this.plan.access === "block";
  }

  get capability(): Capability {
    return capabilityOf(this.plan);
  }

  get stagingPath(): string {
    return `/var/lib/kubelet/plugins/kubernetes.io/csi/rds/${this.id}/globalmount`;
  }

  get targetPath(): string {
    return `/var/lib/kubelet/pods/lab/volumes/${this.id}/mount`;
  }

  /** The file or device that a writer writes to. */
  get dataPath(): string {
    return this.isBlock ? this.targetPath : `${this.targetPath}/records`;
  }

  /** The publish context on a node. @throws {Error} when it is not published there */
  publishedOn(nodeId: string): Readonly<Record<string, string>> {
    const context = this.#published.get(nodeId);
    assert.ok(context !== undefined, `${this.id} is not published on ${nodeId}`);
    return context;
  }

  /** ControllerPublish, NodeStage and NodePublish, as a cluster calls them for a pod. */
  async attach(node: LabNode): Promise<void> {
    await this.publish(node);
    await this.stage(node);
    await this.bind(node);
  }

  /** NodeUnpublish, NodeUnstage and ControllerUnpublish. */
  async detach(node: LabNode): Promise<void> {
    await this.unbind(node);
    await this.unstage(node);
    await this.unpublish(node);
  }

  /** Takes the volume from `node` and deletes it. */
  async remove(node: LabNode = this.lab.node): Promise<void> {
    await this.detach(node);
    await this.delete();
  }

  /** ControllerPublishVolume. */
  async publish(node: LabNode): Promise<void> {
    const nodeId = await node.nodeId();
    const request = {
      volumeId: this.id,
      nodeId,
      volumeCapability: this.capability,
      volumeContext: this.context,
    };
    await retried("ControllerPublishVolume", async () => {
      const { publishContext } = await this.lab.controller.call(
        Controller.method.controllerPublishVolume,
        request,
        { deadlineMs: CALL_MS },
      );
      this.#published.set(nodeId, publishContext);
    });
  }

  /** ControllerUnpublishVolume. */
  async unpublish(node: LabNode): Promise<void> {
    const nodeId = await node.nodeId();
    const request = { volumeId: this.id, nodeId };
    await retried("ControllerUnpublishVolume", async () => {
      await this.lab.controller.call(Controller.method.controllerUnpublishVolume, request, {
        deadlineMs: CALL_MS,
      });
    });
    this.#published.delete(nodeId);
  }

  /** NodeStageVolume, retried as the kubelet does while it answers with a passing error. */
  async stage(node: LabNode, withinMs: number = CALL_MS): Promise<void> {
    await retried("NodeStageVolume", () => this.stageOnce(node), withinMs);
  }

  /** NodeStageVolume, once; `differing` is laid over the publish context. */
  async stageOnce(
    node: LabNode,
    differing: Readonly<Record<string, string>> = {},
    options: { readonly deadlineMs?: number } = {},
  ): Promise<void> {
    const context = this.publishedOn(await node.nodeId());
    await node.machine.ask(`mkdir -p ${this.stagingPath}`);
    await node.csi.call(Node.method.nodeStageVolume, {
      volumeId: this.id,
      stagingTargetPath: this.stagingPath,
      volumeCapability: this.capability,
      volumeContext: this.context,
      publishContext: { ...context, ...differing },
    }, { deadlineMs: options.deadlineMs ?? CALL_MS });
  }

  /** NodeUnstageVolume, retried as the kubelet does. */
  async unstage(node: LabNode, withinMs: number = CALL_MS): Promise<void> {
    await retried("NodeUnstageVolume", () => this.unstageOnce(node, CALL_MS), withinMs);
  }

  /** NodeUnstageVolume, once. */
  async unstageOnce(node: LabNode, deadlineMs: number): Promise<void> {
    const request = { volumeId: this.id, stagingTargetPath: this.stagingPath };
    await node.csi.call(Node.method.nodeUnstageVolume, request, { deadlineMs });
  }

  /** NodePublishVolume. */
  async bind(
    node: LabNode,
    options: { readonly isReadOnly?: boolean; readonly targetPath?: string } = {},
  ): Promise<void> {
    const path = options.targetPath ?? this.targetPath;
    await node.machine.ask(`mkdir -p ${path.slice(0, path.lastIndexOf("/"))}`);
    await retried("NodePublishVolume", async () => {
      await node.csi.call(Node.method.nodePublishVolume, {
        volumeId: this.id,
        stagingTargetPath: this.stagingPath,
        targetPath: path,
        volumeCapability: this.capability,
        volumeContext: this.context,
        publishContext: this.publishedOn(await node.nodeId()),
        readonly: options.isReadOnly ?? false,
      }, { deadlineMs: CALL_MS });
    });
  }

  /** NodeUnpublishVolume. */
  async unbind(node: LabNode, targetPath: string = this.targetPath): Promise<void> {
    const request = { volumeId: this.id, targetPath };
    await retried("NodeUnpublishVolume", async () => {
      await node.csi.call(Node.method.nodeUnpublishVolume, request, { deadlineMs: CALL_MS });
    });
  }

  /** ControllerExpandVolume and NodeExpandVolume. */
  async expand(node: LabNode, sizeBytes: bigint): Promise<void> {
    await this.expandOnBox(sizeBytes);
    await retried("NodeExpandVolume", () => this.expandOnNodeOnce(node));
  }

  /** ControllerExpandVolume. */
  async expandOnBox(sizeBytes: bigint): Promise<void> {
    const request = {
      volumeId: this.id,
      capacityRange: { requiredBytes: sizeBytes },
      volumeCapability: this.capability,
    };
    await retried("ControllerExpandVolume", async () => {
      await this.lab.controller.call(Controller.method.controllerExpandVolume, request, {
        deadlineMs: CALL_MS,
      });
    });
    this.capacityBytes = sizeBytes;
  }

  /** NodeExpandVolume to the size that the volume has on the box, once. */
  async expandOnNodeOnce(node: LabNode): Promise<void> {
    await node.csi.call(Node.method.nodeExpandVolume, {
      volumeId: this.id,
      capacityRange: { requiredBytes: this.capacityBytes },
      volumeCapability: this.capability,
      volumePath: this.targetPath,
      stagingTargetPath: this.stagingPath,
    }, { deadlineMs: CALL_MS });
  }

  /** DeleteVolume. */
  async delete(): Promise<void> {
    const request = { volumeId: this.id };
    await retried("DeleteVolume", async () => {
      await this.lab.controller.call(Controller.method.deleteVolume, request, {
        deadlineMs: CALL_MS,
      });
    });
  }

  /** What NodeGetVolumeStats says of its health. */
  async condition(
    node: LabNode = this.lab.node,
  ): Promise<{ readonly isAbnormal: boolean; readonly message: string }> {
    const request = { volumeId: this.id, volumePath: this.targetPath };
    const reply = await node.csi.call(Node.method.nodeGetVolumeStats, request, {
      deadlineMs: 10_000,
    });
    const condition = reply.volumeCondition;
    assert.ok(condition !== undefined, "NodeGetVolumeStats answered without a condition");
    return { isAbnormal: condition.abnormal, message: condition.message };
  }

  /** Waits until the volume is abnormal with a message that matches, or well again. */
  async waitForCondition(
    wanted: "well" | RegExp,
    withinMs: number,
    signal: AbortSignal,
    node: LabNode = this.lab.node,
  ): Promise<string> {
    let seen: unknown;
    return await until({
      what: `${this.plan.name} ${wanted === "well" ? wanted : `abnormal: ${wanted.source}`}`,
      withinMs,
      signal,
      seen: () => seen,
      look: async () => {
        const condition = await this.condition(node).catch((error) => String(error));
        seen = condition;
        if (typeof condition === "string") return undefined;
        const isIt = wanted === "well"
          ? !condition.isAbnormal
          : condition.isAbnormal && wanted.test(condition.message);
        return isIt ? condition.message : undefined;
      },
    });
  }

  /** What the kernel shows of it. */
  async look(node: LabNode = this.lab.node): Promise<KernelView> {
    return parseView(await node.machine.ask(lookScript(this.nqn, this.targetPath)));
  }

  /** The only device of the volume. @throws {Error} when there is none or several */
  async device(node: LabNode = this.lab.node): Promise<KernelView["heads"][number]> {
    const { heads } = await this.look(node);
    const [head, ...others] = heads;
    assert.ok(head !== undefined && others.length === 0, `heads: ${JSON.stringify(heads)}`);
    return head;
  }
}

/** A failed call: the gRPC code and its message. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

/** The failure of a call. @throws {Error} when it succeeds, or fails without a code */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || !(error instanceof Error)) throw error;
    return { code, message: error.message };
  }
  throw new Error("The call succeeded where it must not");
}

/** DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, UNAVAILABLE: tried again. */
const PASSING: ReadonlySet<number | undefined> = new Set([4, 8, 9, 10, 14]);
const RETRY_MS = 1_000;

/**
 * Makes a call as sidecars and the kubelet do, again and again while the answer is one that passes.
 * @throws {Error} with any other answer, or the last one when the time is over.
 */
export async function retried<Answer>(
  what: string,
  call: () => Promise<Answer>,
  withinMs: number = CALL_MS,
): Promise<Answer> {
  const last = performance.now() + withinMs;
  while (true) {
    try {
      return await call();
    } catch (error) {
      if (!PASSING.has(codeOf(error)) || performance.now() > last) {
        throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function capabilityOf({ access, mode = CAPABILITY_MODE }: VolumePlan): Capability {
  return access === "block"
    ? { accessMode: { mode }, accessType: { case: "block", value: {} } }
    : { accessMode: { mode }, accessType: { case: "mount", value: { fsType: access } } };
}

/** Shell that only reads, without a single process of its own: starting one takes 50 ms there. */
function lookScript(nqn: string, targetPath: string): string {
  return `
    for s in /sys/class/nvme-subsystem/*; do
      read -r name <$s/subsysnqn || continue; [ "$name" = "${nqn}" ] || continue
      for h in $s/nvme*n*; do
        case \${h##*/} in *c*n*) continue;; esac
        [ -e $h/dev ] || continue
        uuid=; read -r dev <$h/dev; read -r size <$h/size; read -r uuid <$h/uuid
        echo "head \${h##*/} $dev $size $uuid"
      done
      for c in $s/nvme*; do
        [ -e $c/state ] || continue; read -r state <$c/state; echo "controller \${c##*/} $state"
      done
    done 2>/dev/null
    while read -r id parent dev root path rest; do
      [ "$path" = "${targetPath}" ] && echo "mount $id $dev $rest"
    done </proc/self/mountinfo
    true`;
}

function parseView(text: string): KernelView {
  const heads: KernelView["heads"][number][] = [];
  const controllers: KernelView["controllers"][number][] = [];
  let mount: KernelView["mount"];
  for (const line of text.split("\n")) {
    const [kind, first = "", second = "", third = "", ...rest] = line.split(" ");
    if (kind === "head") {
      const [uuid = ""] = rest;
      heads.push({ name: first, number: second, sizeBytes: Number(third) * 512, uuid });
    } else if (kind === "controller") {
      controllers.push({ name: first, state: [second, third, ...rest].join(" ").trim() });
    } else if (kind === "mount") {
      mount = { id: first, number: second, rest: [third, ...rest].join(" ") };
    }
  }
  return { heads, controllers, mount };
}
