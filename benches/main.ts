/**
 * `deno task bench`: what calls cost in commands, time and memory, measured on the program as it is
 * shipped. A table for people, `--json` for machines. Not a gate: a missed target is no failure.
 */
import { cpus } from "node:os";
import { Command, Option } from "commander";
import { buildBundle, V8_FLAGS } from "../tools/bundle.ts";
import { checkoutProgram } from "../tools/trial/processes.ts";
import { VERSION } from "../src/version.ts";
import { measureCallTimes } from "./call_times.ts";
import { COMMANDS_PAGE, renderCommandsPage } from "./commands_page.ts";
import { measureCommandsPerCall } from "./commands_per_call.ts";
import type { CallCost } from "./commands_per_call.ts";
import type { Section } from "./figure.ts";
import { Installation } from "./installation.ts";
import { measurePhases } from "./kernel/phases.ts";
import type { InstallationOptions } from "./installation.ts";
import { measureLongList } from "./long_list.ts";
import { ROOMY_BOX } from "./many_volumes.ts";
import { measureMemory } from "./memory.ts";
import { measureNodeMemory } from "./node_memory.ts";
import { describeContext, renderJson, renderSection, summarize } from "./report.ts";
import type { Context } from "./report.ts";
import { measureStartUp } from "./start_up.ts";

/** What can be asked of the benches. */
interface BenchOptions {
  readonly json: boolean;
  readonly writeReference: boolean;
  readonly program: "bundle" | "checkout";
  readonly only: readonly BenchName[];
}

const BENCHES = {
  commands: measureCommands,
  times: measureCallTimes,
  list: measureLongList,
  memory: measureMemory,
  node: measureNodeMemory,
  start: measureStartUp,
  kernel: measurePhases,
} as const;
type BenchName = keyof typeof BENCHES;
const NAMES = Object.keys(BENCHES) as BenchName[];
/** What needs virtual machines is measured only when it is asked for. */
const USUAL = NAMES.filter((name) => name !== "kernel");

const encoder = new TextEncoder();

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}

function parseOptions(args: readonly string[]): BenchOptions {
  const command = new Command("bench")
    .description(
      "Measures the shipped program: commands per call, time of calls, a list of 10,000 volumes,\n" +
        "memory of controller and node, start-up; with --only kernel\n" +
        "stage and unstage on a real kernel, beside the same by hand. What else runs on the machine shows in the figures.",
    )
    .option("--json", "print one JSON object instead of tables", false)
    .option(
      "--write-reference",
      `measure commands per call only, and write ${COMMANDS_PAGE}`,
      false,
    )
    .addOption(
      new Option("--program <which>", "measure the bundle, as it is shipped, or the checkout")
        .choices(["bundle", "checkout"]).default("bundle"),
    )
    .addOption(
      new Option("--only <benches...>", "measure only these").choices(NAMES).default(USUAL),
    );
  command.parse(args, { from: "user" });
  return command.opts<BenchOptions>();
}

async function measureCommands(options: InstallationOptions): Promise<Section> {
  const costs = await countCommands(options);
  return {
    title: "Commands per call",
    method: "SSH exec requests that one call sends to the box, counted by the simulator.",
    figures: costs.map(({ call, when, commands, atMost }) => ({
      name: `${call}, ${when}`,
      value: commands,
      unit: "commands",
      ...(atMost === undefined ? {} : { atMost }),
    })),
  };
}

async function countCommands(options: InstallationOptions): Promise<CallCost[]> {
  await using installation = await Installation.start({ ...options, simulatorFlags: ROOMY_BOX });
  return await measureCommandsPerCall(installation);
}

/** The simulator stands for hardware: it runs without the flags that trade time for memory. */
async function programsOf(which: BenchOptions["program"]): Promise<InstallationOptions> {
  if (which === "checkout") return { program: checkoutProgram() };
  const bundle = await buildBundle();
  const run = [Deno.execPath(), "run", "-A"];
  return {
    program: [...run, `--v8-flags=${V8_FLAGS}`, bundle],
    simulatorProgram: [...run, bundle],
  };
}

function contextOf(which: BenchOptions["program"]): Context {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    program: `rds-csi ${VERSION} (${which})`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    processor: processors[0]?.model ?? "unknown processor",
    cores: processors.length,
    memoryBytes: Deno.systemMemoryInfo().total,
    load: Deno.loadavg()[0] ?? 0,
  };
}

async function writeReference(programs: InstallationOptions): Promise<void> {
  const page = new URL(`../${COMMANDS_PAGE}`, import.meta.url);
  await Deno.writeTextFile(page, renderCommandsPage(await countCommands(programs)));
  print(`wrote ${COMMANDS_PAGE}\n`);
}

async function runBenches(options: BenchOptions): Promise<void> {
  const context = contextOf(options.program);
  const programs = await programsOf(options.program);
  if (options.writeReference) return await writeReference(programs);
  if (!options.json) print(describeContext(context));
  const sections: Section[] = [];
  for (const name of options.only) {
    const section = await BENCHES[name](programs);
    sections.push(section);
    if (!options.json) print(renderSection(section, Deno.stdout.isTerminal()));
  }
  print(options.json ? renderJson({ context, sections }) : summarize(sections));
}

try {
  await runBenches(parseOptions(Deno.args));
} catch (error) {
  const both = error instanceof SuppressedError ? [error.suppressed, error.error] : [error];
  Deno.stderr.writeSync(encoder.encode(`${both.map(String).join("\n")}\n`));
  Deno.exit(1);
}
