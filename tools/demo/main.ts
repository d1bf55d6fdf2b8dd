/**
 * `deno task demo`: the driver's main job on the simulator, from an empty box to an empty box.
 * Exit status 1 when anything is not as it must be.
 */
import { Command, Option } from "commander";
import { SimulatorControl } from "../../src/simulator/control/client.ts";
import { startTrial } from "../trial/processes.ts";
import type { Trial } from "../trial/processes.ts";
import { remainsBelow } from "../trial/remains.ts";
import type { Remains } from "../trial/remains.ts";
import { stepsOfLife } from "./life.ts";
import type { Step } from "./life.ts";
import { countOf, Screen } from "./screen.ts";
import type { FinishedStep } from "./screen.ts";

/** What can be asked of the demo. */
interface DemoOptions {
  readonly showCommands: boolean;
  readonly keep: boolean;
  readonly host: "trial" | "loop";
}

const encoder = new TextEncoder();

function parseOptions(args: readonly string[]): DemoOptions {
  const command = new Command("demo")
    .description(
      "Walks a volume through its whole life: simulator, controller and node run as processes\n" +
        "of the shipped program, and every step is a CSI call over gRPC.",
    )
    .addOption(
      new Option("--host <kind>", "loop: real file systems on loop devices (Linux, root)")
        .choices(["trial", "loop"]).default("trial"),
    )
    .option("--show-commands", "print the RouterOS commands that each step sent", false)
    .option("--keep", "keep the directory with the logs and the simulator's files", false);
  command.parse(args, { from: "user" });
  return command.opts<DemoOptions>();
}

/** Runs the steps until one fails; gives what each did. */
async function play(
  steps: readonly Step[],
  control: SimulatorControl,
  screen: Screen,
): Promise<FinishedStep[]> {
  const finished: FinishedStep[] = [];
  let { count: seen } = await control.commands({ last: 0 });
  for (const { title, run } of steps) {
    screen.running(title);
    const startedMs = performance.now();
    const [isOk, detail] = await run().then(
      (text): [boolean, string] => [true, text],
      (error: unknown): [boolean, string] => [false, String(error)],
    );
    const durationMs = performance.now() - startedMs;
    const { count, commands } = await control.commands({ since: seen });
    seen = count;
    const step = { title, detail, durationMs, isOk, commands: commands.map(({ line }) => line) };
    screen.finished(step);
    finished.push(step);
    if (!isOk) break;
  }
  return finished;
}

/** What the node has in use of this machine; without loop devices, nothing. */
function remainsOf(directory: string, host: DemoOptions["host"]): Remains {
  return host === "loop" ? remainsBelow(directory) : { mounts: [], loops: [] };
}

/** Says what a demo that failed has left on this machine, and how to take it away. */
function showRemains(directory: string, host: DemoOptions["host"], screen: Screen): void {
  const { mounts, loops } = remainsOf(directory, host);
  for (const path of mounts.toReversed()) screen.line(`Still mounted: umount ${path}`);
  for (const path of loops) screen.line(`Still attached: losetup --detach ${path}`);
}

/** The step that proves that the box is as it was before. */
function inspection(
  control: SimulatorControl,
  trial: Trial,
  host: DemoOptions["host"],
): Step {
  return {
    title: "look at box and node",
    run: async () => {
      const violations = await control.violations();
      const files = await trial.filesOnBox();
      const { mounts, loops } = remainsOf(trial.directory, host);
      if ([violations, files, mounts, loops].some(({ length }) => length > 0)) {
        throw new Error(`left behind: ${JSON.stringify({ violations, files, mounts, loops })}`);
      }
      return "no file, mount or device left, no rule of the box broken";
    },
  };
}

async function runDemo(options: DemoOptions): Promise<boolean> {
  const isTerminal = Deno.stdout.isTerminal();
  const screen = new Screen({
    isTerminal,
    showsCommands: options.showCommands,
    write: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
  });
  // The kernel names mounts and files by their real paths.
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "rds-csi-demo-" }));
  const startedMs = performance.now();
  try {
    screen.running("start simulator, controller and node");
    await using trial = await startTrial({ directory, attach: options.host });
    await using control = await SimulatorControl.connect(trial.simulator.controlSocket);
    if (isTerminal) Deno.stdout.writeSync(encoder.encode("\r\x1b[2K"));
    screen.line(
      `Simulator on 127.0.0.1:${trial.simulator.port} (SSH), controller and node on Unix sockets.`,
    );
    const { steps, end } = stepsOfLife(trial, options.host);
    const finished = await play(
      [...steps, inspection(control, trial, options.host)],
      control,
      screen,
    );
    end();
    const isOk = finished.every((step) => step.isOk);
    const commands = finished.reduce((sum, step) => sum + step.commands.length, 0);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    screen.line(
      `\n${countOf(finished.length, "step")} in ${seconds} s, ` +
        `${countOf(commands, "RouterOS command")}: ${isOk ? "all as it must be" : "FAILED"}`,
    );
    if (options.keep || !isOk) screen.line(`Logs and files: ${directory}`);
    if (!isOk) showRemains(directory, options.host, screen);
    if (!isOk) return false;
  } catch (error) {
    screen.line(`The demo could not run: ${error}\nLogs and files: ${directory}`);
    showRemains(directory, options.host, screen);
    return false;
  }
  if (!options.keep) await Deno.remove(directory, { recursive: true });
  return true;
}

Deno.exit(await runDemo(parseOptions(Deno.args)) ? 0 : 1);
