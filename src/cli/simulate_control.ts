import { Command } from "commander";
import { SimulatorControl } from "../simulator/control/client.ts";
import {
  formatFault,
  MAX_REBOOT_SECONDS,
  parseFault,
} from "../simulator/control/fault_notation.ts";
import { DEFAULT_LISTED_COMMANDS, type SimulatorStatus } from "../simulator/control/protocol.ts";
import type { Fault, Violation } from "../simulator/faults.ts";
import type { CommandRecord } from "../simulator/server/command_log.ts";
import { EXIT_CODE_OF_USAGE, exitCodeOf, explained, FlagError, integerOf } from "./flag_values.ts";
import { parseLatency } from "./simulate_flags.ts";

interface ControlFlags {
  readonly socket?: string;
  readonly json?: boolean;
  readonly last?: string;
}

/** What an action found: data for `--json`, and the same as text for a person. */
interface Finding {
  readonly data: unknown;
  readonly text: string;
  /** The exit code; 0 when absent. */
  readonly exitCode?: number;
}

type Act = (
  control: SimulatorControl,
  words: readonly string[],
  flags: ControlFlags,
) => Promise<Finding>;

const MAX_LISTED = 1000;

/** The command `rds-csi simulate control`: look at a running simulator, and make it misbehave. */
export function controlCommand(): Command {
  const control = new Command("control")
    .description("Look at a running simulator over its control socket, and make it misbehave.")
    .option("--socket <path>", "the control socket, as the simulator printed it at its start")
    .option("--json", "print JSON instead of text")
    .exitOverride((error) => Deno.exit(exitCodeOf(error)));
  add(control, "status", "address, connections, latency, and the faults that wait", showStatus);
  add(
    control,
    "violations",
    "what would have lost data; exit code 1 when there is any",
    showViolations,
  );
  add(control, "counters", "connections, log-ins and commands since the start", showCounters);
  add(
    control,
    "exports",
    "the exports in the kernel and how far they are; exit code 1 when one is not exported",
    showExports,
  );
  add(control, "commands", "the last commands with class, duration and outcome", showCommands)
    .option("--last <number>", "how many", String(DEFAULT_LISTED_COMMANDS));
  add(
    control,
    "fault <fault...>",
    "add faults, such as `reset-after:times=1,on=add`; the list is " +
      "in `simulate --help`",
    addFaults,
  );
  add(control, "clear", "remove every fault that waits", clearFaults);
  add(
    control,
    "latency <class=ms,...>",
    "change latencies, such as `read=20,add=400`; or `hardware`",
    setLatency,
  );
  add(control, "reboot <seconds>", "reboot the box; nobody gets in for so long", reboot);
  return control;
}

function add(control: Command, usage: string, description: string, act: Act): Command {
  return control.command(usage).description(description).action(async function (
    this: Command,
  ): Promise<void> {
    await run(this, act);
  });
}

async function run(command: Command, act: Act): Promise<void> {
  const flags: ControlFlags = command.optsWithGlobals();
  let exitCode = 0;
  try {
    if (flags.socket === undefined) {
      throw new FlagError("--socket", "", "the path the simulator printed at its start");
    }
    await using control = await SimulatorControl.connect(flags.socket);
    const finding = await act(control, command.args, flags);
    await print(flags.json === true ? JSON.stringify(finding.data) : finding.text);
    exitCode = finding.exitCode ?? 0;
  } catch (error) {
    const isUsage = error instanceof FlagError;
    const message = error instanceof Error ? error.message : String(error);
    command.error(`error: ${message}`, { exitCode: isUsage ? EXIT_CODE_OF_USAGE : 1 });
  }
  // The program ends with a code of its own when its command returns.
  if (exitCode !== 0) Deno.exit(exitCode);
}

async function showStatus(control: SimulatorControl): Promise<Finding> {
  const status = await control.status();
  return { data: status, text: describeStatus(status) };
}

async function showViolations(control: SimulatorControl): Promise<Finding> {
  const violations = await control.violations();
  const lines = violations.map(({ kind, detail }: Violation) => `${kind}: ${detail}`);
  return {
    data: violations,
    text: lines.length === 0 ? "no violations" : lines.join("\n"),
    exitCode: lines.length === 0 ? 0 : 1,
  };
}

async function showCounters(control: SimulatorControl): Promise<Finding> {
  const counters = await control.counters();
  const rows = Object.entries(counters).map(([name, value]): [string, string] => [
    name,
    typeof value === "number" ? String(value) : describePairs(value),
  ]);
  return { data: counters, text: table(rows) };
}

async function showExports(control: SimulatorControl): Promise<Finding> {
  const exports = await control.exports();
  const rows = exports.map((one) => [
    one.state,
    `${one.address} port ${one.port}`,
    one.problem === undefined ? one.nqn : `${one.nqn}: ${one.problem}`,
  ]);
  return {
    data: exports,
    text: rows.length === 0 ? "no exports in the kernel" : table(rows),
    exitCode: exports.every(({ state }) => state === "exported") ? 0 : 1,
  };
}

async function showCommands(
  control: SimulatorControl,
  _words: readonly string[],
  flags: ControlFlags,
): Promise<Finding> {
  const wanted = flags.last ?? String(DEFAULT_LISTED_COMMANDS);
  const list = await control.commands({ last: integerOf("--last", wanted, 0, MAX_LISTED) });
  const rows = list.commands.map((command: CommandRecord): string[] => [
    `#${command.sequence}`,
    command.class,
    `${command.durationMs.toFixed(1)} ms`,
    command.outcome,
    command.line.replaceAll(/\s+/g, " "),
  ]);
  const title = `${list.commands.length} of ${list.count} commands`;
  return { data: list, text: rows.length === 0 ? title : `${table(rows)}\n${title}` };
}

async function addFaults(control: SimulatorControl, words: readonly string[]): Promise<Finding> {
  const faults = words.map((word) => explained("fault", word, () => parseFault(word)));
  let waiting: readonly Fault[] = [];
  for (const fault of faults) waiting = await control.addFault(fault);
  return { data: waiting, text: `waiting: ${describeFaults(waiting)}` };
}

async function clearFaults(control: SimulatorControl): Promise<Finding> {
  const removed = await control.clearFaults();
  return { data: removed, text: `removed: ${describeFaults(removed)}` };
}

async function setLatency(control: SimulatorControl, words: readonly string[]): Promise<Finding> {
  const latency = await control.setLatency(parseLatency("latency", words[0] ?? ""));
  return { data: latency, text: `milliseconds: ${describePairs(latency)}` };
}

async function reboot(control: SimulatorControl, words: readonly string[]): Promise<Finding> {
  const seconds = integerOf("seconds", words[0] ?? "", 0, MAX_REBOOT_SECONDS);
  await control.reboot(seconds);
  return { data: { seconds }, text: `rebooting; connections are refused for ${seconds} s` };
}

function describeStatus(status: SimulatorStatus): string {
  return table([
    ["address", `${status.host} port ${status.port}${status.isUp ? "" : " (rebooting)"}`],
    ["host key", status.hostKeyFingerprint],
    ["connections", `${status.openConnections} of ${status.sessionLimit}`],
    ["latency", `${describePairs(status.latency)} (milliseconds)`],
    ["faults", describeFaults(status.faults)],
    ["struck", describePairs(status.struck) || "none"],
    ["violations", String(status.violations)],
  ]);
}

function describeFaults(faults: readonly Fault[]): string {
  return faults.length === 0 ? "none" : faults.map(formatFault).join("  ");
}

function describePairs(pairs: object): string {
  return Object.entries(pairs).map(([name, value]) => `${name}=${value}`).join(" ");
}

/** Rows with all columns but the last padded to the same width. */
function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return rows.map((row) =>
    row.map((cell, column) =>
      column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2)
    ).join("")
  ).join("\n");
}

async function print(text: string): Promise<void> {
  const writer = Deno.stdout.writable.getWriter();
  await writer.write(new TextEncoder().encode(text + "\n"));
  writer.releaseLock();
}
