/** From the start of the controller's process to its first answers. */
import { join } from "node:path";
import { CsiClient } from "../tools/trial/csi_client.ts";
import { checkoutProgram } from "../tools/trial/processes.ts";
import { ControllerCalls } from "./controller_calls.ts";
import { medianOf } from "./figure.ts";
import type { Section } from "./figure.ts";
import { Installation } from "./installation.ts";
import type { InstallationOptions } from "./installation.ts";

const STARTS = 5;
const PROBE_MS_MAX = 500;
/** How long a start may take before the bench gives up. */
const DEADLINE_MS = 20_000;
/** How often we look whether the socket is there; also the accuracy of what is measured. */
const LOOK_EVERY_MS = 1;

/** One start, in milliseconds since the process was asked for. */
interface Start {
  readonly answeredMs: number;
  readonly readyMs: number;
}

/** Starts the controller again and again, beside the one that runs. */
export async function measureStartUp(options: InstallationOptions): Promise<Section> {
  await using installation = await Installation.start(options);
  const program = options.program ?? checkoutProgram();
  const starts: Start[] = [];
  for (let start = 0; start < STARTS; start++) {
    starts.push(await startOnce(program, installation.trial.directory, start));
  }
  return {
    title: "Start of the controller",
    method: `${STARTS} starts of the process, beside a simulator without latency.`,
    figures: [
      {
        name: "first answered Probe, median",
        value: medianOf(starts.map(({ answeredMs }) => answeredMs)),
        unit: "ms",
        atMost: PROBE_MS_MAX,
      },
      {
        name: "first answered Probe, longest",
        value: Math.max(...starts.map(({ answeredMs }) => answeredMs)),
        unit: "ms",
      },
      {
        name: "first Probe that says ready, median",
        value: medianOf(starts.map(({ readyMs }) => readyMs)),
        unit: "ms",
      },
    ],
  };
}

async function startOnce(
  program: readonly string[],
  directory: string,
  number: number,
): Promise<Start> {
  const socket = join(directory, `start-${number}.sock`);
  const [path = "", ...leading] = program;
  const flags = ["--config", join(directory, "config.yaml"), "--endpoint", `unix://${socket}`];
  const command = new Deno.Command(path, {
    args: [...leading, "controller", ...flags],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  const startedMs = performance.now();
  const process = command.spawn();
  try {
    await until(startedMs, () => exists(socket));
    using client = new CsiClient(socket);
    const calls = new ControllerCalls(client);
    const isReady = await calls.probe();
    const answeredMs = performance.now() - startedMs;
    if (!isReady) await until(startedMs, () => calls.probe());
    return { answeredMs, readyMs: performance.now() - startedMs };
  } finally {
    process.kill("SIGTERM");
    await process.status;
  }
}

async function until(startedMs: number, isSo: () => Promise<boolean>): Promise<void> {
  while (!await isSo()) {
    if (performance.now() - startedMs > DEADLINE_MS) {
      throw new Error(`The controller did not answer within ${DEADLINE_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
