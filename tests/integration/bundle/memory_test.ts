/** Pitfall R3: without its V8 flags a controller keeps 190 MB after 15,000 small calls. */
import assert from "node:assert/strict";
import { residentMemoryOf } from "../../../benches/process_memory.ts";
import { Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { buildBundle, V8_FLAGS } from "../../../tools/bundle.ts";
import { CsiClient } from "../../../tools/trial/csi_client.ts";
import { startTrial } from "../../../tools/trial/processes.ts";

const CALLS = 15_000;
const AT_ONCE = 8;
/** Far above what the bench measures, far below what the pitfall costs. */
const RESIDENT_BYTES_MAX = 130 * 1024 ** 2;

Deno.test("R3: a controller with its V8 flags stays small over 15,000 calls", async () => {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-memory-" });
  const program = [Deno.execPath(), "run", "-A", `--v8-flags=${V8_FLAGS}`, await buildBundle()];
  try {
    await using trial = await startTrial({ directory, program, hasNode: false });
    using client = new CsiClient(trial.controllerSocket);
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let call = 0; call < CALLS / AT_ONCE; call++) {
        await client.call(Identity.method.probe, {});
      }
    }));
    const { nowBytes } = await residentMemoryOf(trial.controllerPid ?? 0);
    assert.ok(nowBytes < RESIDENT_BYTES_MAX, `${Math.round(nowBytes / 1024 ** 2)} MiB`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
