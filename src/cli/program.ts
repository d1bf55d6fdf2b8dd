/** The program `rds-csi`: its commands and flags, and what each of them starts. */
import { Command, CommanderError } from "commander";
import { ConfigError } from "../config/config.ts";
import { StorageError } from "../domain/errors.ts";
import { PROGRAM_NAME, VERSION } from "../version.ts";
import { EXIT_CODE_OF_USAGE, FlagError } from "./flag_values.ts";
import type { Output } from "./output.ts";
import type { ControllerFlags } from "./controller.ts";
import type { NodeFlags } from "./node.ts";
import { addNodeOperations } from "./node_operator_commands.ts";

/** What the environment or the array refuses, as opposed to what was written on the command line. */
const EXIT_CODE_OF_FAILURE = 1;

/** Runs the program. Never throws. @returns the exit code: 0, 1 for a failure, 2 for wrong use */
export async function runProgram(args: readonly string[], output: Output): Promise<number> {
  let exitCode = 0;
  const finish = (code: number): void => {
    exitCode = code;
  };
  try {
    const program = await buildProgram(args, output, finish);
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, output);
  }
}

async function buildProgram(
  [first, second]: readonly string[],
  output: Output,
  finish: (code: number) => void,
): Promise<Command> {
  const program = new Command(PROGRAM_NAME)
    .description(
      "CSI driver for MikroTik ROSE data servers (RDS): volumes over NVMe/TCP, managed over SSH.",
    )
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "show what a command does and takes")
    .showSuggestionAfterError(true)
    // `node` and the commands below it have options of the same name.
    .enablePositionalOptions()
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .exitOverride();
  // Subcommands inherit the settings above only when they are made by program.command().
  addController(program.command("controller"), output);
  addNode(program.command("node"), output, second);
  program.addCommand(await simulate(first));
  addConfig(program.command("config"), output, finish);
  program.command("version").summary("print the version and the runtime's")
    .description("Print the version of the program and of the runtime it runs on.")
    .action(() => output.out(`${PROGRAM_NAME} ${VERSION} on Deno ${Deno.version.deno}\n`));
  return program.addHelpText(
    "after",
    examples([
      ["Check a configuration:", "rds-csi config check /etc/rds-csi/config.yaml"],
      ["Serve as the cluster's controller:", CONTROLLER_EXAMPLE],
      ["Try things without hardware:", "rds-csi simulate --directory /var/tmp/rds"],
    ]),
  );
}

const CONTROLLER_EXAMPLE =
  "rds-csi controller --config /etc/rds-csi/config.yaml --endpoint unix:///run/csi/csi.sock";

function addController(command: Command, output: Output): void {
  command
    .summary("serve the CSI controller: volumes and snapshots on the arrays")
    .description(
      "Serve the CSI controller: make, publish, expand, snapshot, clone and delete volumes.\n" +
        "An array that is down stops nothing but calls to it; it is dialled again for ever.",
    )
    .requiredOption("--config <file>", "the configuration (see: rds-csi config check)");
  addServingFlags(command, "; default: what the configuration says")
    .addHelpText("after", examples([["In a pod, beside the CSI sidecars:", CONTROLLER_EXAMPLE]]))
    .action(async (flags: ControllerFlags) => {
      const { runController } = await import("./controller.ts");
      await runController(flags, output);
    });
}

function addNode(command: Command, output: Output, second: string | undefined): void {
  command
    .summary("serve the CSI node: volumes on this machine")
    .description("Serve the CSI node: connect, format and mount volumes on this machine.")
    .requiredOption("--node-name <name>", "this machine's name in the cluster")
    .requiredOption(
      "--attach <way>",
      "how volumes reach this machine: kernel (NVMe/TCP), or without a box\n" +
        "loop:DIRECTORY (root; loop devices over the files of a simulator on this machine) or\n" +
        "trial:DIRECTORY (opens those files itself, with no privilege and no real mount)",
    )
    .option(
      "--state-directory <path>",
      "where the node keeps its records, which must outlive its container;\n" +
        "default for kernel: /var/lib/rds-csi",
    );
  addServingFlags(command)
    .addHelpText(
      "after",
      examples([[
        "Beside a simulator:",
        "rds-csi node --node-name trial --endpoint unix:///run/node.sock \\\n" +
        "      --attach trial:/var/tmp/rds --state-directory /var/tmp/node",
      ]]),
    )
    .action(async (flags: NodeFlags) => {
      const { runNode } = await import("./node.ts");
      await runNode(flags, output);
    });
  addNodeOperations(command, output, second);
}

/** `configured` says where a value comes from when there is a configuration. */
function addServingFlags(command: Command, configured?: string): Command {
  const usual = (value: string): string => configured ?? `; default: ${value}`;
  return command
    .requiredOption("--endpoint <socket>", "the Unix socket to serve, as unix:///path or /path")
    .option("--socket-group <gid>", "a numeric group that may use the socket too (mode 0660)")
    .option("--driver-name <name>", `the name to register under${usual("rds.csi.srvlab.io")}`)
    .option("--log-level <level>", `debug, info, warning or error${usual("info")}`)
    .option("--log-format <format>", `json, or text for a terminal${usual("json")}`);
}

/** The simulator is loaded only when it is asked for: a controller does not pay for it. */
async function simulate(first: string | undefined): Promise<Command> {
  if (first === "simulate") return (await import("./simulate.ts")).simulateCommand();
  return new Command("simulate")
    .description("run a simulated array on this machine");
}

function addConfig(command: Command, output: Output, finish: (code: number) => void): void {
  command.summary("look at configurations").description("Look at configurations.");
  command.command("check")
    .summary("print everything that is wrong with one; exit code 2 if anything is")
    .description("Print everything that is wrong with a configuration; exit code 2 if anything is.")
    .argument("<file>", "the configuration, a YAML file")
    .option("--no-files", "do not look at the key files")
    .addHelpText(
      "after",
      examples([["Where the keys are not:", "rds-csi config check --no-files config.yaml"]]),
    )
    .action(async (file: string, flags: { files: boolean }) => {
      const { checkConfig } = await import("./config.ts");
      finish(await checkConfig(file, flags, output));
    });
}

function examples(pairs: readonly (readonly [title: string, line: string])[]): string {
  const lines = pairs.flatMap(([title, line]) => [`  ${title}`, `    ${line}`]);
  return ["", "Examples:", ...lines].join("\n");
}

/** Words a failure to start in one line for each problem; only a bug shows where it was thrown. */
function report(error: unknown, output: Output): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? 0 : EXIT_CODE_OF_USAGE;
  }
  if (error instanceof ConfigError && error.problems.length > 1) {
    const lines = error.problems.map((problem) => `  ${problem}\n`);
    output.err(`${PROGRAM_NAME}: Cannot use the configuration:\n${lines.join("")}`);
    return EXIT_CODE_OF_USAGE;
  }
  if (error instanceof FlagError || error instanceof ConfigError) {
    output.err(`${PROGRAM_NAME}: ${error.message}\n`);
    return EXIT_CODE_OF_USAGE;
  }
  if (error instanceof StorageError) {
    output.err(`${PROGRAM_NAME}: ${error.message}\n`);
    return error.code === "invalid" ? EXIT_CODE_OF_USAGE : EXIT_CODE_OF_FAILURE;
  }
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  output.err(`${PROGRAM_NAME}: this is a bug: ${text}\n`);
  return EXIT_CODE_OF_FAILURE;
}
