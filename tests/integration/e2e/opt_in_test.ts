/** The opt-in suite for a real box works: a simulated one is a box like any other to it. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { generateKeyPair } from "../../../src/simulator/server/key_pair.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";

const SUITE = fileURLToPath(new URL("../../e2e/real_rds_test.ts", import.meta.url));

async function runSuite(env: Record<string, string>): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", SUITE],
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("the suite for a real box is skipped, saying why, where no box is named", async () => {
  const text = await runSuite({ RDS_CSI_E2E_ADDRESS: "" });
  assert.match(text, /skipped: RDS_CSI_E2E_ADDRESS, .* not set/);
  assert.match(text, /0 passed \| 0 failed \| 1 ignored/);
});

Deno.test("the suite for a real box passes over a box named by the environment, and leaves nothing", async () => {
  const keys = generateKeyPair("ed25519", "e2e");
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-e2e-" });
  const keyFile = join(directory, "key");
  await Deno.writeTextFile(keyFile, keys.privateText, { mode: 0o600 });
  await using simulator = await startSimulator({ authorizedKeys: keys.publicLine });
  const text = await runSuite({
    RDS_CSI_E2E_ADDRESS: "127.0.0.1",
    RDS_CSI_E2E_PORT: String(simulator.port),
    RDS_CSI_E2E_USER: "admin",
    RDS_CSI_E2E_KEY_FILE: keyFile,
    RDS_CSI_E2E_HOST_KEY: simulator.hostKeyFingerprint,
    RDS_CSI_E2E_BASE_PATH: "/storage-pool/e2e",
  });
  await Deno.remove(directory, { recursive: true });
  const [, passed = "0", failed] = /(\d+) passed \| (\d+) failed/.exec(text) ?? [];
  assert.equal(failed, "0", text);
  assert.ok(Number(passed) > 30, text);
  assert.deepEqual(simulator.box.exports().filter(({ nqn }) => nqn.includes(":pvc-")), []);
  assert.deepEqual(simulator.violations(), []);
});
