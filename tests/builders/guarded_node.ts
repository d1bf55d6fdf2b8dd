/** A node that looks after a published volume, and what its guardian does and says. */
import type { NodePorts } from "../../src/application/node_ports.ts";
import type { VolumeCapability } from "../../src/domain/access.ts";
import { FOREVER } from "../contract/node_harness.ts";
import { aMount, aNode, aNodePublish, aStage } from "./node.ts";
import type { TestNode } from "./node.ts";

/** A node with the volume of most tests staged and published. */
export async function aGuarded(
  capability: VolumeCapability = aMount(),
  wrap: (ports: NodePorts) => NodePorts = (ports) => ports,
): Promise<TestNode> {
  const node = aNode(wrap);
  await node.volumes.stage(aStage(capability), FOREVER);
  await node.volumes.publish(aNodePublish(capability), FOREVER);
  return node;
}

/** Rounds as they come, five seconds apart. */
export async function rounds({ guardian, shared }: TestNode, count: number): Promise<void> {
  for (let round = 0; round < count; round++) {
    await guardian.round(FOREVER);
    await shared.clock.advance(5000);
  }
}

/** What was reported, shortest; the list is empty afterwards. */
export function told({ events }: TestNode): string[] {
  return events.splice(0).map((event) =>
    event.kind === "volume-abnormal" ? `abnormal: ${event.reason}` : event.kind
  );
}
