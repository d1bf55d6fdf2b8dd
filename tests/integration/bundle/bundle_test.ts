/** The program as one file does what the program does. */
import assert from "node:assert/strict";
import { SimulatorControl } from "../../../src/simulator/control/client.ts";
import { buildBundle, V8_FLAGS } from "../../../tools/bundle.ts";
import { stepsOfLife } from "../../../tools/demo/life.ts";
import { startTrial } from "../../../tools/trial/processes.ts";

Deno.test("the bundle says how it is used", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...await bundled(), "--help"],
    stderr: "inherit",
  }).output();
  assert.equal(code, 0);
  assert.match(new TextDecoder().decode(stdout), /^Usage: rds-csi .*controller.*node.*simulate/s);
});

Deno.test("the bundle walks a volume through its whole life", async () => {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-bundle-" });
  try {
    const program = [Deno.execPath(), ...await bundled()];
    await using trial = await startTrial({ directory, program });
    await using control = await SimulatorControl.connect(trial.simulator.controlSocket);
    const { steps, end } = stepsOfLife(trial);
    try {
      for (const { run } of steps) await run();
    } finally {
      end();
    }
    assert.deepEqual(await control.violations(), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

async function bundled(): Promise<string[]> {
  return ["run", "-A", `--v8-flags=${V8_FLAGS}`, await buildBundle()];
}
