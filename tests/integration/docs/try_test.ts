/** Follows the guide for a first try, command by command. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  Controller,
  VolumeCapability_AccessMode_Mode,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { CsiClient } from "../../../tools/trial/csi_client.ts";
import {
  checkoutProgram,
  type SimulatorReady,
  spawn,
  waitFor,
} from "../../../tools/trial/processes.ts";
import { codeWords, section } from "./page.ts";
import { blockOf, commandOf, PAGE, runScript } from "./try_page.ts";

const START_MS = 30_000;
Deno.test("try.md works as it is written, twice in a row, and after a lost reply", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-try-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));

  // Any free port, so that tests can run side by side; what is written below follows it.
  const box = (await commandOf("A box", directory)).map((word) => word === "2222" ? "0" : word);
  const simulator = stack.use(spawn([...box, "--ready-json"], directory, "simulator.log"));
  const line = await simulator.lineWhere((text) => text.startsWith("{"), START_MS);
  const { port, hostKeyFingerprint }: SimulatorReady = JSON.parse(line);

  const config = (await blockOf("A controller", "yaml", directory))
    .replace("2222", String(port)).replace("SHA256:…", hostKeyFingerprint);
  await Deno.writeTextFile(join(directory, "config.yaml"), config);
  const [controller] = await Promise.all(
    ([["A controller", "controller"], ["A node", "node"]] as const).map(async ([part, name]) => {
      const child = stack.use(spawn(await commandOf(part, directory), directory, `${name}.log`));
      await waitFor(join(directory, `${name}.sock`), child);
      return child;
    }),
  );

  const run = (): Promise<string> => runScript(directory);
  const first = await run();
  assert.match(first, /^volume pvc-.*^snapshot snap-/ms);
  assert.equal(await run(), first);

  const [fault = ""] = codeWords(await section(PAGE, "Break it"));
  const socket = join(directory, "rds/control.sock");
  const words = fault.replace("… control.sock", `simulate control --socket ${socket}`).split(" ");
  const [program = "", ...args] = [...checkoutProgram(), ...words];
  assert.equal((await new Deno.Command(program, { args, stdout: "null" }).output()).code, 0);
  using client = new CsiClient(join(directory, "controller.sock"));
  await client.call(Controller.method.createVolume, {
    name: "my-second",
    capacityRange: { requiredBytes: 2n ** 30n },
    volumeCapabilities: [{
      accessType: { case: "block", value: {} },
      accessMode: { mode: VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER },
    }],
  });
  const { entries } = await client.call(Controller.method.listVolumes, {});
  assert.equal(entries.length, 2);
  const isTold = (text: string): boolean => /the reply of "main" to .* was lost/.test(text);
  await controller?.lineWhere(isTold, START_MS);
});
