import { Command, Option } from "commander";
import { FAULT_FIELDS } from "../simulator/control/fault_notation.ts";
import { PASSWORD_AUTHENTICATION } from "../simulator/server/credentials.ts";
import { ON_DISCONNECT } from "../simulator/server/exec.ts";
import { KEY_TYPES } from "../simulator/server/key_pair.ts";
import { COMMAND_CLASSES } from "../simulator/server/latency.ts";
import { EXIT_CODE_OF_USAGE, exitCodeOf, FlagError } from "./flag_values.ts";
import { controlCommand } from "./simulate_control.ts";
import { CHOICES, POLICIES, type SimulateFlags } from "./simulate_flags.ts";
import { runSimulator, StartError } from "./run_simulator.ts";

/** The command `rds-csi simulate`: a RouterOS storage box on loopback, and `simulate control`. */
export function simulateCommand(): Command {
  const command = new Command("simulate")
    .description(
      "Run a simulated MikroTik RouterOS storage box (RDS): an SSH server whose console answers " +
        "/disk, /file and more, with real backing files, faults on request, and a record of what " +
        "would have lost data. Stop it with Ctrl-C.",
    )
    .addHelpText("after", helpAfter())
    .exitOverride((error) => Deno.exit(exitCodeOf(error)))
    .action(async (flags: SimulateFlags, self: Command) => {
      await explaining(self, () => runSimulator(flags));
    });
  addServerFlags(command);
  addBoxFlags(command);
  addFaultFlags(command);
  return command.addCommand(controlCommand());
}

/** Runs `action`; what a person can put right ends the program with a message, without a trace. */
async function explaining(command: Command, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof FlagError || error instanceof StartError)) throw error;
    const exitCode = error instanceof FlagError ? EXIT_CODE_OF_USAGE : 1;
    command.error(`error: ${error.message}`, { exitCode });
  }
}

function addServerFlags(command: Command): void {
  command.optionsGroup("Server:")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on; 0 takes a free one", "0")
    .option(
      "--directory <path>",
      "where keys, state and backing files live; kept, and continued by the next start " +
        "(default: a temporary directory, removed at the end)",
    )
    .option("--control-socket <path>", "Unix socket for `simulate control` (default: in DIRECTORY)")
    .option(
      "--ready-json",
      "when ready, print one JSON line instead of text: port, hostKey, " +
        "hostKeyFingerprint, controlSocket, directory, clientKey",
    )
    .optionsGroup("Log-in:")
    .option(
      "--user <name:policies>",
      "add a user, or replace admin, who may do everything; may be " +
        `repeated. Policies: ${POLICIES.join(",")}`,
      collect,
    )
    .option("--password <text>", "password of every user")
    .option(
      "--authorized-key <file>",
      "public keys of every user, RSA or Ed25519; may be repeated " +
        "(default without password and keys: a key made in DIRECTORY/client_key)",
      collect,
    )
    .addOption(
      choice(
        "--password-authentication <when>",
        "when a password is accepted",
        PASSWORD_AUTHENTICATION,
        "yes-if-no-key",
      ),
    )
    .addOption(
      choice(
        "--host-key-type <type>",
        "type of the host key made in DIRECTORY",
        KEY_TYPES,
        "ed25519",
      ),
    )
    .option("--host-key <file>", "private host key to use instead");
}

function addBoxFlags(command: Command): void {
  command.optionsGroup("Box (where the behaviour of real hardware is unknown, each is a mode):")
    .option(
      "--routeros <version>",
      "version to be: 7.20 (too old for the driver), 7.21, 7.23, 7.24",
      "7.24",
    )
    .option("--without-package", "behave as if the package rose-storage was missing")
    .option("--pool-size <size>", "size of a new pool, such as 500G", "7681574174720")
    .addOption(
      choice(
        "--pool-file-system <name>",
        "file system of a new pool",
        CHOICES.poolFileSystem,
        "btrfs",
      ),
    )
    .addOption(
      choice(
        "--copy-from <mode>",
        "what /disk/add copy-from= does with the data",
        CHOICES.copyFrom,
        "independent-cow",
      ),
    )
    .addOption(
      choice(
        "--file-copy <mode>",
        "whether /file/copy shares data or takes full size",
        CHOICES.fileCopy,
        "reflink",
      ),
    )
    .addOption(
      choice(
        "--remove-file <mode>",
        "whether /disk/remove keeps the backing file",
        CHOICES.removeFile,
        "keep",
      ),
    )
    .addOption(
      choice("--shrink <mode>", "what setting a smaller file-size does", CHOICES.shrink, "refuse"),
    );
  addIdentityFlags(command);
  addExportFlags(command);
}

/** The second half of the box's flags: names and wordings; in the group that was opened before. */
function addIdentityFlags(command: Command): void {
  command
    .addOption(
      choice(
        "--identity <mode>",
        "NVMe identity over re-export and reboot",
        CHOICES.identity,
        "stable",
      ),
    )
    .addOption(
      choice(
        "--ids-on-reboot <mode>",
        "internal ids (*2B) over a reboot",
        CHOICES.idsOnReboot,
        "keep",
      ),
    )
    .option("--slot-limit <n|none>", "longest slot, in characters", "32")
    .addOption(
      choice(
        "--slot-too-long <mode>",
        "what happens to a longer slot",
        CHOICES.slotTooLong,
        "reject",
      ),
    )
    .option("--comment-limit <n|none>", "longest comment, in characters", "none")
    .addOption(
      choice(
        "--wordings <set>",
        "texts of errors that nobody has published",
        CHOICES.wordings,
        "plain",
      ),
    )
    .addOption(
      choice(
        "--exit-status-on-error <n>",
        "exit status after an error",
        CHOICES.exitStatusOnError,
        "0",
      ),
    );
}

function addExportFlags(command: Command): void {
  command.optionsGroup("NVMe/TCP (needs root, Linux with nvmet, and a machine of its own):")
    .option(
      "--export <nvmet>",
      "make each exported disk a real subsystem of this machine's kernel (default: none)",
    )
    .option(
      "--nvme-address <address>",
      "numeric address that NVMe hosts connect to (default: that of --host)",
    );
}

function addFaultFlags(command: Command): void {
  command.optionsGroup("Link and faults:")
    .option(
      "--latency <class=ms,...>",
      `milliseconds per command: ${COMMAND_CLASSES.join(", ")}; ` +
        "or `hardware` for times as reported from an RDS (default: 0)",
    )
    .option(
      "--fault <fault>",
      "a fault that waits from the start, such as reset-after:times=1; " +
        "may be repeated; the list is below",
      collect,
    )
    .option("--lose-replies <percent>", "run the command, then reset the connection, so often")
    .option("--seed <number>", "seed of --lose-replies", "1")
    .addOption(
      choice(
        "--on-disconnect <mode>",
        "what a command does when its client is gone",
        ON_DISCONNECT,
        "finish",
      ),
    )
    .option("--max-sessions <number>", "connections at the same time", "20")
    .option(
      "--commands-per-connection <number>",
      "commands at the same time on one connection",
      "8",
    );
}

/** An option that shows its choices; they are checked with the rest, for one kind of message. */
function choice(
  flags: string,
  description: string,
  choices: readonly string[],
  preset: string,
): Option {
  return new Option(flags, `${description}: ${choices.join(", ")}`).default(preset);
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function helpAfter(): string {
  const faults = Object.entries(FAULT_FIELDS).map(([kind, fields]) =>
    `  ${kind.padEnd(20)}${fields}`
  );
  return [
    "",
    "Faults (KIND:FIELD=VALUE,...): times says how often (default 1), skip how many pass first,",
    "on which classes of command it strikes (read, add, change, remove; default all).",
    ...faults,
    "",
    "Examples:",
    "  rds-csi simulate --port 2222 --directory ./box",
    "  rds-csi simulate --latency read=20,add=400 --fault reset-after:times=1,on=add",
    "  rds-csi simulate control --socket ./box/control.sock violations",
  ].join("\n");
}
