/** What a person can ask of a node, and tell it: the commands below `rds-csi node`. */
import type { Command } from "commander";
import { DEFAULT_STATE_DIRECTORY } from "./attach.ts";
import type { DetachFlags, OperatorFlags } from "./node_operator.ts";
import type { Output } from "./output.ts";

/**
 * Adds the commands. They stand beside what `node` itself does, which is to serve; its options
 * count only before the name of a command.
 * @param second the argument after `node`; where it names a command, nothing is to be served, so
 * that what serving needs is not asked for
 */
export function addNodeOperations(
  node: Command,
  output: Output,
  second: string | undefined,
): void {
  node.enablePositionalOptions();
  if (second !== undefined && !second.startsWith("-")) {
    for (const option of node.options) option.makeOptionMandatory(false);
  }
  withPlace(node.command("list"))
    .summary("show the volumes of this node")
    .description("Show the volumes that this node has staged or is connected to.")
    .action(async (flags: OperatorFlags) => {
      await (await import("./node_operator.ts")).listVolumes(flags, output);
    });
  withPlace(node.command("inspect"))
    .summary("show all that is known of a volume on this node")
    .description("Show all that is known of a volume on this node.")
    .argument("<volume>", "the volume's id, pvc-…")
    .action(async (volume: string, flags: OperatorFlags) => {
      await (await import("./node_operator.ts")).inspectVolume(volume, flags, output);
    });
  withPlace(node.command("detach"))
    .summary("end a volume's connection although that loses data")
    .description(
      "End a volume's connection although something may use it, for an array that never comes\n" +
        "back. Whatever was not written to the array yet is lost.",
    )
    .argument("<volume>", "the volume's id, pvc-…")
    .option("--force-lose-unwritten", "without it nothing is done but to say what would be lost")
    .action(async (volume: string, flags: DetachFlags) => {
      await (await import("./node_operator.ts")).detachVolume(volume, flags, output);
    });
  withPlace(node.command("reset-breaker"))
    .summary("let a volume that kept failing be staged again at once")
    .description("Let a volume that kept failing be staged again at once, after a repair.")
    .argument("<volume>", "the volume's id, pvc-…")
    .action(async (volume: string, flags: OperatorFlags) => {
      await (await import("./node_operator.ts")).resetVolume(volume, flags, output);
    });
}

function withPlace(command: Command): Command {
  return command
    .option("--attach <way>", "how volumes reach this machine (see: rds-csi node --help)", "kernel")
    .option(
      "--state-directory <path>",
      `where the node keeps its records; default for kernel: ${DEFAULT_STATE_DIRECTORY}`,
    )
    .option("-o, --output <format>", "text, or json for programs", "text");
}
