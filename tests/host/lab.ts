/**
 * The host laboratory: simulator, controller and nodes as processes of the shipped program, the
 * nodes with loop devices and real file systems, and the calls that a cluster would make.
 */
import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import {
  Controller,
  Node,
  type NodeGetVolumeStatsResponse,
  type Volume,
  type VolumeCapabilitySchema,
} from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { SimulatorControl } from "../../src/simulator/control/client.ts";
import { codeOf, CsiClient } from "../../tools/trial/csi_client.ts";
import { startTrial } from "../../tools/trial/processes.ts";
import type { Trial, TrialOptions } from "../../tools/trial/processes.ts";
import { createVolume, deleteVolumes } from "../integration/shipped/requests.ts";
import type { VolumeFields } from "../integration/shipped/requests.ts";
import { remainsBelow } from "../../tools/trial/remains.ts";
import { Workplace } from "./workplace.ts";

/** A capability as the generated messages take it. */
export type Capability = MessageInitShape<typeof VolumeCapabilitySchema>;

/** Bytes in one mebibyte. */
export const MIB: bigint = 1024n ** 2n;

/** A volume as a pod on a node would use it. */
export interface Use {
  readonly volume: Volume;
  readonly capability: Capability;
  readonly node: number;
  readonly publishContext: { [key: string]: string };
  readonly staging: string;
  readonly target: string;
}

/** A running laboratory. Disposing leaves nothing of it on the machine. */
export class HostLab implements AsyncDisposable {
  readonly trial: Trial;
  readonly controller: CsiClient;
  readonly control: SimulatorControl;
  readonly directory: string;
  readonly #stack: AsyncDisposableStack;
  readonly #nodes = new Map<number, CsiClient>();

  private constructor(trial: Trial, control: SimulatorControl, stack: AsyncDisposableStack) {
    this.trial = trial;
    this.control = control;
    this.directory = trial.directory;
    this.#stack = stack;
    this.controller = stack.use(new CsiClient(trial.controllerSocket));
  }

  /** Starts one with a single node; `optionsFor` is given the directory. */
  static async open(
    optionsFor: (directory: string) => Omit<TrialOptions, "directory"> = () => ({}),
  ): Promise<HostLab> {
    await using stack = new AsyncDisposableStack();
    const workplace = stack.use(await Workplace.open());
    const { directory } = workplace;
    const options = optionsFor(directory);
    for (const name of ["staging", "pods"]) await Deno.mkdir(join(directory, name));
    const onStart = (pid: number): void => workplace.owns(pid);
    const trial = stack.use(await startTrial({ attach: "loop", onStart, ...options, directory }));
    const control = stack.use(await SimulatorControl.connect(trial.simulator.controlSocket));
    return new HostLab(trial, control, stack.move());
  }

  /** A client of a node that is running; they count from 1. */
  node(index: number): CsiClient {
    let client = this.#nodes.get(index);
    if (client === undefined) {
      client = this.#stack.use(new CsiClient(this.trial.nodeSocketOf(index)));
      this.#nodes.set(index, client);
    }
    return client;
  }

  /** Makes a volume. */
  create(name: string, capability: Capability, mib: bigint, more: VolumeFields = {}): Promise<
    Volume
  > {
    return createVolume(this.controller, name, {
      volumeCapabilities: [capability],
      capacityRange: { requiredBytes: mib * MIB },
      ...more,
    });
  }

  /** ControllerPublishVolume, and the paths that a kubelet would make. */
  async admit(volume: Volume, capability: Capability, node = 1): Promise<Use> {
    const { nodeId } = await this.node(node).call(Node.method.nodeGetInfo, {});
    const { volumeId, volumeContext } = volume;
    const { publishContext } = await this.controller.call(
      Controller.method.controllerPublishVolume,
      { volumeId, nodeId, volumeContext, volumeCapability: capability },
    );
    const staging = join(this.directory, "staging", `${volumeId}-${node}`);
    const target = join(this.directory, "pods", `${volumeId}-${node}`);
    await Deno.mkdir(staging, { recursive: true });
    return { volume, capability, node, publishContext, staging, target };
  }

  /** NodeStageVolume. */
  async stage({ volume, capability, node, publishContext, staging }: Use): Promise<void> {
    const { volumeId, volumeContext } = volume;
    await Deno.mkdir(staging, { recursive: true });
    await this.node(node).call(Node.method.nodeStageVolume, {
      ...{ volumeId, volumeContext, publishContext },
      volumeCapability: capability,
      stagingTargetPath: staging,
    });
  }

  /** NodePublishVolume, at the path of the use or another one. */
  async publish(
    use: Use,
    { target = use.target, readonly = false }: { target?: string; readonly?: boolean } = {},
  ): Promise<void> {
    const { volume, capability, node, publishContext, staging } = use;
    const { volumeId, volumeContext } = volume;
    await this.node(node).call(Node.method.nodePublishVolume, {
      ...{ volumeId, volumeContext, publishContext, readonly },
      volumeCapability: capability,
      stagingTargetPath: staging,
      targetPath: target,
    });
  }

  /** NodeUnpublishVolume. */
  async unpublish(use: Use, targetPath: string = use.target): Promise<void> {
    const { volume: { volumeId }, node } = use;
    await this.node(node).call(Node.method.nodeUnpublishVolume, { volumeId, targetPath });
  }

  /** NodeUnstageVolume, after which a kubelet removes its directory. */
  async unstage({ volume: { volumeId }, node, staging }: Use): Promise<void> {
    const stagingTargetPath = staging;
    await this.node(node).call(Node.method.nodeUnstageVolume, { volumeId, stagingTargetPath });
    await Deno.remove(staging).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  /** ControllerUnpublishVolume. */
  async dismiss({ volume: { volumeId }, node }: Use): Promise<void> {
    const { nodeId } = await this.node(node).call(Node.method.nodeGetInfo, {});
    await this.controller.call(Controller.method.controllerUnpublishVolume, { volumeId, nodeId });
  }

  /** From the controller to a pod. */
  async attach(volume: Volume, capability: Capability, node = 1): Promise<Use> {
    const use = await this.admit(volume, capability, node);
    await this.stage(use);
    await this.publish(use);
    return use;
  }

  /** From a pod to nobody. */
  async detach(use: Use): Promise<void> {
    await this.unpublish(use);
    await this.unstage(use);
    await this.dismiss(use);
  }

  /** ControllerExpandVolume. */
  async grow({ volume: { volumeId }, capability }: Use, mib: bigint): Promise<void> {
    await this.controller.call(Controller.method.controllerExpandVolume, {
      volumeId,
      capacityRange: { requiredBytes: mib * MIB },
      volumeCapability: capability,
    });
  }

  /** NodeExpandVolume. */
  async growOnNode(use: Use, mib: bigint): Promise<void> {
    await this.node(use.node).call(Node.method.nodeExpandVolume, {
      volumeId: use.volume.volumeId,
      volumePath: use.target,
      stagingTargetPath: use.staging,
      capacityRange: { requiredBytes: mib * MIB },
      volumeCapability: use.capability,
    });
  }

  /** NodeGetVolumeStats at the target path. */
  stats({ volume: { volumeId }, node, target }: Use): Promise<NodeGetVolumeStatsResponse> {
    return this.node(node).call(Node.method.nodeGetVolumeStats, { volumeId, volumePath: target });
  }

  /** DeleteVolume. */
  delete(...volumes: Volume[]): Promise<void> {
    return deleteVolumes(this.controller, ...volumes.map(({ volumeId }) => volumeId));
  }

  /** What the node processes and their volumes have left on this machine. */
  async leftOnNodes(): Promise<Record<string, readonly string[]>> {
    const found: Record<string, readonly string[]> = { ...remainsBelow(this.directory) };
    for (const name of ["staging", "pods"]) {
      found[name] = await namesBelow(join(this.directory, name));
    }
    for await (const { name } of Deno.readDir(this.directory)) {
      if (!name.endsWith("-state")) continue;
      found[name] = (await namesBelow(join(this.directory, name)))
        .filter((path) => !path.endsWith("/") && !LASTING.has(path));
    }
    return found;
  }

  /** Asserts that nothing is left of any volume, on the nodes and on the box. */
  async assertNothingLeft(): Promise<void> {
    for (const [where, what] of Object.entries(await this.leftOnNodes())) {
      assert.deepEqual(what, [], `left behind: ${where}`);
    }
    assert.deepEqual(await this.trial.filesOnBox(), []);
    assert.deepEqual(await this.control.violations(), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Whether a call got no answer because the process at the other end died. */
export function isUnanswered(error: unknown): boolean {
  const code = codeOf(error);
  if (code === status.UNAVAILABLE || code === status.CANCELLED) return true;
  // What the client's own library says when it was just writing.
  return code === status.INTERNAL && /RST_STREAM|EPIPE|ECONNRESET/.test(String(error));
}

/** What a node keeps as long as it lives. */
const LASTING: ReadonlySet<string> = new Set(["host-id"]);

/** Files and, unless they are a node's own, directories. */
async function namesBelow(directory: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(directory, prefix))) {
    const path = join(prefix, name);
    if (isDirectory) names.push(`${path}/`, ...await namesBelow(directory, path));
    else names.push(path);
  }
  return names.sort();
}
