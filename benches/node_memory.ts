/** The node's memory at its start and after many volumes came and went. */
import { join } from "node:path";
import {
  Node,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../src/adapters/csi-grpc/gen/csi_pb.ts";
import { publishContextOf } from "../src/domain/publish_context.ts";
import { aPublished, STAGING, VOLUME } from "../tests/builders/node.ts";
import { bundleFile, NODE_V8_FLAGS } from "../tools/bundle.ts";
import { CsiClient } from "../tools/trial/csi_client.ts";
import { spawn, waitFor } from "../tools/trial/processes.ts";
import type { Section } from "./figure.ts";
import { residentMemoryOf } from "./process_memory.ts";

const CYCLES = 5_000;
const RESIDENT_MIB_MAX = 80;
const MIB = 1024 ** 2;

/** Stages and unstages, again and again. */
export async function measureNodeMemory(): Promise<Section> {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-bench-" });
  try {
    const program = join(directory, "node.js");
    await bundleFile("benches/memory_node.ts", program);
    const socket = join(directory, "node.sock");
    const run = [Deno.execPath(), "run", "-A", `--v8-flags=${NODE_V8_FLAGS}`, program, socket];
    // The first start of a new file also compiles it, and keeps what that took: an image is made
    // with this behind it.
    await using first = spawn(run, directory, "first.log");
    await waitFor(socket, first);
    await first.end("SIGTERM");
    await using node = spawn(run, directory, "node.log");
    await waitFor(socket, node);
    const atStart = await residentMemoryOf(node.pid);
    const startedMs = performance.now();
    await cycle(socket);
    const seconds = (performance.now() - startedMs) / 1000;
    const afterwards = await residentMemoryOf(node.pid);
    const target = { unit: "MiB", atMost: RESIDENT_MIB_MAX } as const;
    return {
      title: "Memory of the node",
      method: `Resident memory of the node role over a kernel in memory; ${CYCLES} times stage ` +
        "and unstage of one volume, one after the other.",
      figures: [
        { name: "at the start", value: atStart.nowBytes / MIB, ...target },
        { name: `after ${CYCLES} cycles`, value: afterwards.nowBytes / MIB, ...target },
        { name: "at its peak", value: afterwards.peakBytes / MIB, unit: "MiB" },
        { name: "cycles in a second meanwhile", value: CYCLES / seconds, unit: "calls/s" },
      ],
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function cycle(socket: string): Promise<void> {
  using client = new CsiClient(socket);
  const volume = { volumeId: VOLUME, stagingTargetPath: STAGING };
  for (let number = 0; number < CYCLES; number++) {
    await client.call(Node.method.nodeStageVolume, {
      ...volume,
      publishContext: publishContextOf(aPublished()),
      volumeCapability: {
        accessType: { case: "mount", value: { fsType: "ext4" } },
        accessMode: { mode: Mode.SINGLE_NODE_WRITER },
      },
    });
    await client.call(Node.method.nodeUnstageVolume, volume);
  }
}
