/**
 * `deno task lab`: brings up the laboratory for a person and says how to look around and what to
 * break. Ctrl-C switches everything off.
 */
import { Command, Option } from "commander";
import { connectByHand, startByHand } from "./by_hand.ts";
import { isKernelSeries, KERNEL_SERIES, kernelOf, type KernelSeries } from "./kernels.ts";
import { type Lab, startLab } from "./lab.ts";
import { type Machine, SHELL_PORT } from "./machine.ts";
import { whatIsMissing } from "./requirements.ts";

/** What can be asked of the lab. */
interface MainOptions {
  readonly kernel: string;
  readonly nodes: string;
  readonly byHand: boolean;
  readonly boxFlag: readonly string[];
  readonly collect?: string;
}

const encoder = new TextEncoder();

function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

function parseOptions(args: readonly string[]): MainOptions {
  const command = new Command("lab")
    .description("A box and nodes as virtual machines with a real kernel; Ctrl-C ends them.")
    .option("--kernel <series>", `which kernel: ${KERNEL_SERIES.join(", ")}`, "6.12")
    .addOption(new Option("--nodes <number>", "how many nodes").choices(["1", "2"]).default("1"))
    .option("--by-hand", "no simulator and no driver: one disk exported by hand", false)
    .option(
      "--box-flag <flag...>",
      "a flag for `rds-csi simulate`, as --box-flag=--identity=changing",
      [],
    )
    .option("--collect <directory>", "at the end, put logs, dmesg and sysfs trees there");
  command.parse(args.filter((word, index) => index > 0 || word !== "--"), { from: "user" });
  return command.opts<MainOptions>();
}

/** How a person gets into a machine, and how its cable is cut. */
function describeMachine(machine: Machine): string {
  return [
    `${machine.name}  ${machine.address}`,
    `  a shell        socat -,raw,echo=0,escape=0x1d TCP:127.0.0.1:${machine.hostPort(SHELL_PORT)}`,
    "                 (Ctrl-] leaves it)",
    `  cut the cable  ${monitorLine(machine, '{"name":"segment","up":false}', "set_link")}`,
    `  mend it        ${monitorLine(machine, '{"name":"segment","up":true}', "set_link")}`,
    `  its files      ${machine.shared} is /lab there; its console is ${machine.serialLog}`,
  ].join("\n");
}

function monitorLine(machine: Machine, commandArguments: string, command: string): string {
  const lines = [
    `{"execute":"qmp_capabilities"}`,
    `{"execute":"${command}","arguments":${commandArguments}}`,
  ];
  return `(printf '%s\\n' '${lines.join("' '")}'; sleep 1) | socat - UNIX:${machine.monitorSocket}`;
}

function describeLab(lab: Lab): string {
  const nodes = lab.nodes.filter(({ machine }) => machine.isRunning);
  return [
    ...[lab.box.machine, ...nodes.map(({ machine }) => machine)].map(describeMachine),
    "sockets",
    `  controller     ${lab.controllerSocket}`,
    ...nodes.map(({ name, socket }) => `  ${name.padEnd(13)}  ${socket}`),
    `  simulator      deno task rds-csi simulate control --socket ${lab.box.controlSocket} status`,
    `  the console    ssh -p ${lab.box.access.port} -i ${lab.box.access.keyFile} ` +
    "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null admin@127.0.0.1 '/disk print'",
  ].join("\n");
}

/** Resolves at the first SIGINT or SIGTERM. */
function interrupted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, resolve);
  return promise;
}

async function runWithDriver(
  series: KernelSeries,
  { nodes, boxFlag, collect }: MainOptions,
  directory: string,
  end: Promise<void>,
): Promise<void> {
  const count = nodes === "2" ? 2 : 1;
  const starting = startLab({ kernel: series, nodes: count, boxFlags: boxFlag, directory, print });
  await using lab = await unlessEnded(starting, end);
  print(describeLab(lab));
  print("\nEverything is up; Ctrl-C switches it off.");
  await end;
  if (collect !== undefined) await lab.collect(collect);
}

async function runByHand(
  series: KernelSeries,
  { nodes }: MainOptions,
  directory: string,
  end: Promise<void>,
): Promise<void> {
  const kernel = await kernelOf(series, print);
  const starting = startByHand({ kernel, directory }, nodes === "2" ? 2 : 1);
  await using lab = await unlessEnded(starting, end);
  const device = await connectByHand(lab.nodes[0]);
  print([lab.box, ...lab.nodes.filter((it) => it.isRunning)].map(describeMachine).join("\n"));
  print(`\nnode1 has the box's disk as ${device}; Ctrl-C switches everything off.`);
  await end;
}

/** What is being started, unless a signal comes before it is. @throws {Error} */
async function unlessEnded<T>(starting: Promise<T>, end: Promise<void>): Promise<T> {
  starting.catch(() => {});
  const ended = end.then(() => {
    throw new Error("interrupted");
  });
  return await Promise.race([starting, ended]);
}

async function main(): Promise<number> {
  const options = parseOptions(Deno.args);
  const { kernel } = options;
  const problem = isKernelSeries(kernel)
    ? await whatIsMissing()
    : `there is no kernel ${kernel}: ${KERNEL_SERIES.join(", ")}`;
  if (!isKernelSeries(kernel) || problem !== undefined) {
    print(`Cannot start the laboratory: ${problem}`);
    return 1;
  }
  const directory = await Deno.makeTempDir({ prefix: "rds-lab-" });
  print(`kernel ${kernel}; files in ${directory}, removed at the end`);
  const end = interrupted();
  try {
    const run = options.byHand ? runByHand : runWithDriver;
    await run(kernel, options, directory, end);
    return 0;
  } catch (error) {
    print(error instanceof Error ? `${error.message}\n${error.cause ?? ""}` : String(error));
    return 1;
  } finally {
    // Machines that were still being started may write until this process ends.
    await Deno.remove(directory, { recursive: true }).catch(() => {});
  }
}

// Machines that were being started when a signal came end with this process.
if (import.meta.main) Deno.exit(await main());
