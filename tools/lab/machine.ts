/**
 * One virtual machine of the laboratory, by QEMU in software emulation. It runs on this machine's
 * own files (read-only, with a layer in memory above), so every program here is there; its disk,
 * and what it writes below /lab, outlive it.
 *
 *     await using machine = new Machine({ name: "box", kernel, address: "10.77.0.1", … });
 *     await machine.boot();
 *     const { stdout } = await machine.exec("uname -r", { deadlineMs: 5_000 });
 *     await machine.powerOff(); // a power cut
 *     await machine.boot();
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CommandResult, NoAnswerError, runInGuest } from "./guest_command.ts";
import type { Kernel } from "./kernels.ts";
import { runQmp } from "./qmp.ts";

/** The private network that machines share: a multicast group of the loopback interface. */
export interface Segment {
  readonly address: string;
  readonly port: number;
}

/** What a machine is made of. */
export interface MachineOptions {
  /** A word: its host name, and the name of its files. */
  readonly name: string;
  /** Where its files are kept; exists. Must be short: a Unix socket is in it. */
  readonly directory: string;
  readonly kernel: Kernel;
  /** Its IPv4 address in the segment, a /24; the last number makes its MAC addresses. */
  readonly address: string;
  readonly segment: Segment;
  readonly memoryMebibytes: number;
  /** A raw disk image, /dev/vda in the machine. */
  readonly disk?: string;
  /** TCP ports of the machine that this host reaches, see {@link Machine.hostPort}. */
  readonly forwardedPorts?: readonly number[];
}

/** How long a command may take. */
export interface CommandOptions {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

const COMMAND_PORT = 7000;
/** Leads to a shell on a terminal, for people. */
export const SHELL_PORT = 7003;
const COMMAND_DEADLINE_MS = 60_000;
/** A command that only looks takes a second at most, on a machine that is busy. */
const ASK_DEADLINE_MS = 15_000;
/** Alone it is 5 s; eight busy processes beside it make it a minute. */
const BOOT_DEADLINE_MS = 180_000;
const BOOT_POLL_MS = 100;
const LOG_BYTES = 4096;
const GUEST = fileURLToPath(new URL("guest/", import.meta.url));

/** A segment that nobody else on this host uses. */
export function newSegment(): Segment {
  const [a = 0, b = 0, c = 0, d = 0] = crypto.getRandomValues(new Uint8Array(4));
  // 239.192.0.0/14 is for use within one organization; the port is any that needs no right.
  return { address: `239.${192 + a % 4}.${b}.${1 + c % 254}`, port: 20_000 + d * 97 };
}

/** A machine; off until {@link boot}. Disposing of it switches it off. */
export class Machine implements AsyncDisposable {
  readonly name: string;
  readonly address: string;
  readonly kernel: Kernel;
  /** What the machine sees as /lab. */
  readonly shared: string;
  /** What its kernel and its first process print, of all boots. */
  readonly serialLog: string;
  readonly #options: MachineOptions;
  #process: Deno.ChildProcess | undefined;
  #hasDied = false;
  #ports: ReadonlyMap<number, number> = new Map();

  constructor(options: MachineOptions) {
    this.#options = options;
    this.name = options.name;
    this.address = options.address;
    this.kernel = options.kernel;
    this.shared = join(options.directory, options.name);
    this.serialLog = join(options.directory, `${options.name}.serial.log`);
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** QEMU's process id; undefined when the machine is off. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Switches the machine on and waits until it takes commands.
   * @throws {Error} with the end of its serial log when it does not within 3 minutes.
   */
  async boot(): Promise<void> {
    if (this.#process !== undefined) throw new Error(`Cannot boot ${this.name}: it is running`);
    await Deno.mkdir(this.shared, { recursive: true });
    // The parent's death takes it along, whatever the parent died of.
    const args = ["--pdeathsig", "KILL", "qemu-system-x86_64", ...this.#arguments()];
    using log = await Deno.open(`${this.serialLog}.qemu`, { create: true, append: true });
    const process = new Deno.Command("setpriv", {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#process = process;
    const output = Promise.all([process.stdout, process.stderr].map((it) => textOf(it)));
    const ended = process.status.then(async ({ code }) => {
      // Whoever switches it off takes the process away before it ends.
      if (this.#process === process) {
        this.#process = undefined;
        this.#hasDied = true;
      }
      const text = (await output).join("");
      return new Error(`QEMU ended with status ${code}: ${text.trim()}`);
    });
    await log.write(new TextEncoder().encode(`${args.join(" ")}\n`));
    try {
      await this.#waitUntilUp(ended);
    } catch (error) {
      await this.powerOff();
      throw new Error(
        `Cannot boot ${this.name} with ${this.kernel.release}:\n${await this.#logEnd()}`,
        {
          cause: error,
        },
      );
    }
  }

  /** Runs shell text; default deadline 60 s. @throws {Error} when the machine does not answer. */
  async exec(
    command: string,
    { deadlineMs = COMMAND_DEADLINE_MS, signal }: CommandOptions = {},
  ): Promise<CommandResult> {
    const port = this.hostPort(COMMAND_PORT);
    return await runInGuest(port, command, {
      deadlineMs,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Whether its kernel ever ended by a panic, as its serial log says, or QEMU ended by itself. */
  async hasCrashed(): Promise<boolean> {
    if (this.#hasDied) return true;
    try {
      return (await Deno.readTextFile(this.serialLog)).includes("Kernel panic");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /**
   * As {@link run}, for shell text that may run twice: once more when the machine does not answer
   * in time, for a connection to it can be lost.
   */
  async ask(command: string): Promise<string> {
    try {
      return await this.run(command, { deadlineMs: ASK_DEADLINE_MS });
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      return await this.run(command);
    }
  }

  /** As {@link exec}, and gives the standard output. @throws {Error} when the status is not 0. */
  async run(command: string, options: CommandOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(command, options);
    if (code === 0) return stdout;
    throw new Error(`"${command}" on ${this.name}: exit status ${code}: ${stderr}${stdout}`);
  }

  /**
   * Starts shell text in the background and gives its process id, which is also its group's; both
   * outputs are appended to `log`, a path in the machine (below /lab: readable here at once).
   */
  async start(command: string, log: string): Promise<number> {
    const quoted = `'${command.replaceAll("'", "'\\''")}'`;
    const text = `setsid bash -c ${quoted} </dev/null >>${log} 2>&1 & echo $!`;
    return Number(await this.run(text));
  }

  /** The port of 127.0.0.1 that leads to `port`; a new one after each boot. @throws {Error} */
  hostPort(port: number): number {
    const found = this.#process === undefined ? undefined : this.#ports.get(port);
    if (found === undefined) {
      throw new Error(`Cannot reach port ${port} of ${this.name}: it is off`);
    }
    return found;
  }

  /** Pulls the machine's cable out of the segment, or puts it back. */
  async setLink(isUp: boolean): Promise<void> {
    await this.#qmp("set_link", { name: "segment", up: isUp });
  }

  /** Stops its processor: a machine that is silent, not gone. */
  async pause(): Promise<void> {
    await this.#qmp("stop");
  }

  /** Lets it go on after {@link pause}. */
  async resume(): Promise<void> {
    await this.#qmp("cont");
  }

  /** A power cut: what its disk has not got is lost. Its disk and /lab stay. */
  async powerOff(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    try {
      process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
  }

  async #qmp(command: string, commandArguments: Record<string, unknown> = {}): Promise<unknown> {
    return await runQmp(this.monitorSocket, command, commandArguments);
  }

  /** The Unix socket of QEMU's monitor protocol, for people; one connection at a time. */
  get monitorSocket(): string {
    return join(this.#options.directory, `${this.name}.qmp`);
  }

  async #waitUntilUp(ended: Promise<Error>): Promise<void> {
    const signal = AbortSignal.timeout(BOOT_DEADLINE_MS);
    let end: Error | undefined;
    ended.then((error) => end = error);
    while (true) {
      if (end !== undefined) throw end;
      signal.throwIfAborted();
      try {
        if (this.#ports.size === 0 || this.#portsOf !== this.#process) await this.#findPorts();
        await this.exec("true", { deadlineMs: 10_000, signal });
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, BOOT_POLL_MS));
      }
    }
  }

  /** The boot whose ports are known. */
  #portsOf: Deno.ChildProcess | undefined;

  /** QEMU chooses the ports itself, so that nobody can take one in between. */
  async #findPorts(): Promise<void> {
    const text = String(
      await this.#qmp("human-monitor-command", { "command-line": "info usernet" }),
    );
    const found = text.matchAll(/HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)/g);
    this.#ports = new Map([...found].map(([, host, guest]) => [Number(guest), Number(host)]));
    this.#portsOf = this.#process;
  }

  async #logEnd(): Promise<string> {
    const text = await Deno.readTextFile(this.serialLog).catch(() => "(no serial log)");
    return text.slice(-LOG_BYTES);
  }

  #arguments(): string[] {
    const { kernel, segment, memoryMebibytes, disk, forwardedPorts = [] } = this.#options;
    const number = Number(this.address.split(".").at(-1));
    const mac = (network: number): string =>
      `52:54:00:00:0${network}:${number.toString(16).padStart(2, "0")}`;
    const forwards = [COMMAND_PORT, SHELL_PORT, ...forwardedPorts]
      .map((port) => `,hostfwd=tcp:127.0.0.1:0-:${port}`).join("");
    const share = "security_model=none,id";
    return [
      ...["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "1"],
      ...["-m", String(memoryMebibytes), "-nodefaults", "-no-user-config", "-display", "none"],
      ...["-no-reboot", "-chardev", `file,id=serial,path=${this.serialLog},append=on`],
      ...["-serial", "chardev:serial", "-device", "virtio-rng-pci"],
      ...["-kernel", kernel.image, "-initrd", kernel.initramfs, "-append", this.#kernelLine()],
      ...["-virtfs", `local,path=/,mount_tag=root,${share}=root,readonly=on,multidevs=remap`],
      ...["-virtfs", `local,path=${this.shared},mount_tag=out,${share}=out`],
      "-netdev",
      `socket,id=segment,mcast=${segment.address}:${segment.port},localaddr=127.0.0.1`,
      ...["-device", `virtio-net-pci,netdev=segment,mac=${mac(1)}`],
      ...["-netdev", `user,id=host,restrict=on${forwards}`],
      ...["-device", `virtio-net-pci,netdev=host,mac=${mac(2)}`],
      ...["-qmp", `unix:${this.monitorSocket},server=on,wait=off`],
      ...(disk === undefined ? [] : [
        "-drive",
        `file=${disk},format=raw,if=none,id=disk,cache=writeback`,
        ...["-device", "virtio-blk-pci,drive=disk"],
      ]),
    ];
  }

  #kernelLine(): string {
    const { name, address, kernel } = this.#options;
    const machineId = createHash("sha256").update(this.shared).digest("hex").slice(0, 32);
    return [
      ...["console=ttyS0", "panic=-1", "oops=panic"],
      ...["mitigations=off", "nokaslr", "quiet", "loglevel=5"],
      ...[`lab.init=${GUEST}init.sh`, `lab.name=${name}`, `lab.address=${address}`],
      ...[`lab.modules=${kernel.modules}`, `lab.machine-id=${machineId}`],
    ].join(" ");
  }
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}
