/**
 * The server before a real Go client (grpc-go), dialled in both ways that kubelet, the sidecars and
 * csi-sanity use, for more calls than it takes to abort the releases of Deno that we refuse.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { call, openHarness } from "../../integration/csi-grpc/harness.ts";

const SOURCE_DIRECTORY = fileURLToPath(new URL(".", import.meta.url));
const CALLS = 15_000;
const BUILD_TIMEOUT_MS = 300_000;
const RUN_TIMEOUT_MS = 120_000;

interface Report {
  readonly calls: number;
  readonly microsecondsPerCall: number;
  readonly unofferedCode: string;
  readonly unofferedMessage: string;
  readonly unofferedDetailCount: number;
}

/** Runs a program and gives its output; fails with its error output. */
async function run(program: string, args: string[], timeoutMs: number): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: SOURCE_DIRECTORY,
    signal: AbortSignal.timeout(timeoutMs),
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function withClient(body: (program: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "csi-goclient-" });
  try {
    const program = join(directory, "goclient");
    await run("go", ["build", "-o", program, "."], BUILD_TIMEOUT_MS);
    await body(program);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a Go client makes 15,000 calls each way it can dial, leaves, and the server answers", async (test) => {
  await withClient(async (program) => {
    await using harness = await openHarness();
    for (const way of ["unix", "dialer"]) {
      await test.step(`dialled by ${way}`, async () => {
        const output = await run(
          program,
          [way, harness.server.path, String(CALLS)],
          RUN_TIMEOUT_MS,
        );
        const report: Report = JSON.parse(output);
        assert.equal(report.calls, CALLS);
        assert.equal(report.unofferedCode, "Unimplemented");
        assert.match(report.unofferedMessage, /csi\.v1\.Controller\/GetCapacity/);
        assert.equal(report.unofferedDetailCount, 0);
        const answer = await call(harness.client(), Identity.method.probe, {});
        assert.equal(answer.ready, true);
      });
    }
  });
});
