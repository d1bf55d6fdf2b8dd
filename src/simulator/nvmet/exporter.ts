/**
 * Exports the disks of a box as NVMe/TCP subsystems of this machine's kernel, and follows every
 * change. The kernel carries the data: a simulator that is killed leaves the exports as they are,
 * and the next one over the same directory adopts them.
 *
 * One that is told to stop takes them down, as a box that is switched off does. A start that finds
 * none of its exports in the kernel is a boot of the box, with all that a reboot changes.
 */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import type { Box } from "../box/box.ts";
import type { ExportEntry } from "../box/export_list.ts";
import type { ExportFault } from "../faults.ts";
import { ExportSchedule } from "./export_schedule.ts";
import type { NvmetKernel } from "./machine.ts";
import { type Problems, Reconciler } from "./reconciler.ts";
import { runTool } from "./tool.ts";

/** How long after a problem it is tried again; the address may come later than the simulator. */
const RETRY_MS = 2000;

/** The longest time a command waits for the kernel. */
const SETTLE_MS = 60_000;

/** What an exporter works with. */
export interface ExporterOptions {
  readonly box: Box;
  readonly kernel: NvmetKernel;
  /** The numeric address that hosts connect to. */
  readonly address: string;
  /** The faults that strike the export of this slot, used up by asking. */
  readonly strike: (slot: string) => readonly ExportFault[];
}

/**
 * How far an export is: `exported`; `not-linked` (hosts are told there is no such subsystem, or
 * find the port closed); `no-namespace` (hosts connect and find none); `pending`; `failed`.
 */
export interface ExportState {
  readonly nqn: string;
  readonly address: string;
  readonly port: number;
  readonly state: "exported" | "not-linked" | "no-namespace" | "pending" | "failed";
  /** Why, when it failed. */
  readonly problem?: string;
}

/** A running export; dispose of it to take everything down. */
export class Exporter implements AsyncDisposable {
  readonly #options: ExporterOptions;
  readonly #reconciler: Reconciler;
  readonly #schedule: ExportSchedule;
  readonly #directory: string;
  #problems: Problems = new Map();
  #refused: ReadonlyMap<string, string> = new Map();
  #unfinished: ReadonlySet<string> = new Set();
  #isDown = true;
  #isDirty = false;
  #isUnsaved = true;
  #work: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(options: ExporterOptions, directory: string) {
    const { box, kernel, address, strike } = options;
    this.#options = options;
    this.#directory = directory;
    this.#reconciler = new Reconciler(kernel, { address, directory, marker: markerOf(directory) });
    this.#schedule = new ExportSchedule({
      nowMs: box.settings.nowMs,
      strike,
      newIdentity: () => box.newIdentity(),
    });
  }

  /**
   * Exports what the box exports; returns when the kernel has it. What fails is in the log of the
   * box and in {@link states}, and is tried again.
   * @throws {Error} when the address is not numeric or the box is in memory.
   */
  static async start(options: ExporterOptions): Promise<Exporter> {
    const { box, address } = options;
    if (isIP(address) === 0) {
      throw new Error(`Cannot export through nvmet at "${address}": it takes a numeric address`);
    }
    if (box.settings.directory === undefined) {
      throw new Error("Cannot export through nvmet: the box is in memory");
    }
    const exporter = new Exporter(options, await Deno.realPath(box.settings.directory));
    if (!await exporter.#reconciler.hasExports()) box.reboot();
    box.watch((collection) => exporter.#follow(collection));
    exporter.boot();
    await exporter.settled();
    await exporter.save();
    return exporter;
  }

  /** Takes everything down, as a box does that goes down; returns when the kernel has done it. */
  async shutDown(): Promise<void> {
    this.#isDown = true;
    this.#schedule.update([]);
    this.#kick();
    await this.settled();
  }

  /** Begins all exports: the box is up. */
  boot(): void {
    this.#isDown = false;
    this.#kick();
  }

  /**
   * Waits until the kernel has what it shall have now; what waits for its time is not waited for.
   * A minute at most: an export that hangs must not hang the console.
   */
  async settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SETTLE_MS);
    await Promise.race([promise, this.#whenIdle()]);
    clearTimeout(timer);
  }

  /** Whether the kernel is behind. */
  get isBusy(): boolean {
    return this.#work !== undefined;
  }

  /**
   * Makes what was answered so far outlive the machine: hosts rely on it when the machine under
   * the simulator is killed. Does nothing when nothing changed.
   */
  async save(): Promise<void> {
    if (!this.#isUnsaved) return;
    this.#isUnsaved = false;
    try {
      await runTool("sync", ["--file-system", this.#directory]);
    } catch (error) {
      this.#options.box.log("disk,error", error instanceof Error ? error.message : String(error));
    }
  }

  /** All exports, in the order of the disks. */
  states(): readonly ExportState[] {
    const { address } = this.#options;
    const states = this.#schedule.wanted().map((one): ExportState => {
      const { nqn, port } = one;
      const problem = this.#problems.get(nqn);
      if (problem !== undefined) return { nqn, address, port, state: "failed", problem };
      if (!this.#reconciler.isDone(one)) return { nqn, address, port, state: "pending" };
      if (!one.isLinked) return { nqn, address, port, state: "not-linked" };
      return { nqn, address, port, state: one.isEnabled ? "exported" : "no-namespace" };
    });
    return states;
  }

  /** Switches the box off: takes everything down. What fails then stays for the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.box.watch(undefined);
    await this.shutDown();
    clearTimeout(this.#timer);
  }

  #follow(collection: string): void {
    this.#isUnsaved = true;
    if (collection !== "disk" || this.#isDown) return;
    // What ends is noted at once: it may begin again before the kernel is looked at.
    this.#schedule.end(this.#entries());
    this.#kick();
  }

  /** Takes over what the box exports now. */
  #takeOver(): void {
    const { box } = this.#options;
    const { identities, refused } = this.#schedule.update(this.#entries());
    this.#report(this.#refused, refused);
    this.#refused = refused;
    for (const [slot, identity] of identities) box.setIdentity(slot, identity);
  }

  /** The box's exports, their files by the canonical paths that the kernel shows, too. */
  #entries(): ExportEntry[] {
    const given = this.#options.box.settings.directory ?? "";
    return this.#options.box.exports().map((entry) => ({
      ...entry,
      backingPath: this.#directory + entry.backingPath.slice(given.length),
    }));
  }

  #kick(): void {
    this.#isDirty = true;
    this.#work ??= this.#converge().finally(() => this.#work = undefined);
  }

  async #whenIdle(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  /** Pass after pass until nothing changed during the last one. */
  async #converge(): Promise<void> {
    clearTimeout(this.#timer);
    // The command that changed something goes on to its end first.
    await Promise.resolve();
    while (this.#isDirty) {
      this.#isDirty = false;
      if (!this.#isDown) this.#takeOver();
      const ended = new Set([...this.#unfinished, ...this.#schedule.takeEnded()]);
      const problems = await this.#reconciler.converge(this.#schedule.wanted(), ended);
      const isUnfinished = (nqn: string): boolean => problems.has(nqn) || problems.has("box");
      this.#unfinished = new Set([...ended].filter(isUnfinished));
      this.#report(this.#problems, problems);
      this.#problems = problems;
    }
    this.#wakeLater();
  }

  /** Comes back when an export is due, and to try again what failed. */
  #wakeLater(): void {
    const dueMs = this.#schedule.nextDueMs();
    const waits: number[] = this.#problems.size > 0 ? [RETRY_MS] : [];
    if (dueMs !== undefined) waits.push(Math.max(0, dueMs - this.#options.box.settings.nowMs()));
    clearTimeout(this.#timer);
    if (waits.length === 0 || this.#isDown) return;
    this.#timer = setTimeout(() => {
      if (this.#problems.size > 0) this.#reconciler.distrust();
      this.#kick();
    }, Math.min(...waits));
  }

  /** Writes what is new among the problems into the log of the box. */
  #report(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): void {
    for (const [about, problem] of now) {
      if (before.get(about) === problem) continue;
      this.#options.box.log("disk,error", `export of ${about}: ${problem}`);
    }
  }
}

/** Names the box of a directory; two boxes on one machine keep their hands off each other. */
function markerOf(directory: string): string {
  const digest = createHash("sha256").update(directory).digest("hex").slice(0, 12);
  return `simulated RDS ${digest}`;
}
