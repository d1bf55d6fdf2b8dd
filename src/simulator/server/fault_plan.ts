import type {
  CommandFault,
  ConnectionFault,
  ExportFault,
  Fault,
  LastingFault,
  LineClass,
} from "../faults.ts";
import { seededRandom } from "./seeded_random.ts";

/** The most faults that can wait at once. */
export const MAX_WAITING_FAULTS = 1000;

type Striking = CommandFault | ConnectionFault | ExportFault;

interface Waiting<F extends Striking> {
  readonly fault: F;
  skip: number;
  left: number;
}

type LoseReplies = Extract<LastingFault, { kind: "lose-replies" }>;

/**
 * The faults that wait for their victim. The first one that fits strikes; one command or
 * connection is struck by at most one. A fault that lets some pass counts each one that came by.
 */
export class FaultPlan {
  readonly #commands: Waiting<CommandFault>[] = [];
  readonly #connections: Waiting<ConnectionFault>[] = [];
  readonly #exports: Waiting<ExportFault>[] = [];
  readonly #struck = new Map<Fault["kind"], number>();
  #sessionLimit: number | undefined;
  #loseReplies: { fault: LoseReplies; random: () => number } | undefined;

  /**
   * Adds a fault that strikes commands or connections, or sets a lasting one.
   * @throws {RangeError} when {@link MAX_WAITING_FAULTS} are waiting already.
   */
  add(fault: Exclude<Fault, { kind: "reboot" | "disk-full" }>): void {
    switch (fault.kind) {
      case "session-limit":
        this.#sessionLimit = fault.limit;
        return;
      case "lose-replies":
        this.#loseReplies = { fault, random: seededRandom(fault.seed) };
        return;
      case "refuse-connections":
      case "wrong-host-key":
        enqueue(this.#connections, fault);
        return;
      case "late-export":
      case "late-namespace":
      case "new-identity":
      case "new-controller":
      case "same-identity":
        enqueue(this.#exports, fault);
        return;
      default:
        enqueue(this.#commands, fault);
    }
  }

  /** Forgets every fault; what already struck stays as it is. */
  clear(): void {
    this.#commands.length = 0;
    this.#connections.length = 0;
    this.#exports.length = 0;
    this.#sessionLimit = undefined;
    this.#loseReplies = undefined;
  }

  /** The sessions allowed now, when a fault limits them. */
  get sessionLimit(): number | undefined {
    return this.#sessionLimit;
  }

  /** The fault that strikes the connection being made, used up by asking. */
  strikeConnection(): ConnectionFault | undefined {
    return this.#count(take(this.#connections, () => true));
  }

  /** The fault that strikes a command of class `lineClass`, used up by asking. */
  strikeCommand(lineClass: LineClass): CommandFault | undefined {
    const queued = take(
      this.#commands,
      (fault) => fault.on === undefined || fault.on.includes(lineClass),
    );
    return this.#count(queued) ?? this.#loseReply();
  }

  /** The faults that strike the export of this slot, at most one of each kind, used up by asking. */
  strikeExport(slot: string): readonly ExportFault[] {
    const kinds = new Set(this.#exports.map(({ fault }) => fault.kind));
    return [...kinds].flatMap((kind) => {
      const fits = (fault: ExportFault): boolean => fault.kind === kind && fault.slot === slot;
      return this.#count(take(this.#exports, fits)) ?? [];
    });
  }

  /** What still waits or lasts; `times` and `skip` are what is left of them. */
  waiting(): Fault[] {
    const striking = [...this.#connections, ...this.#commands, ...this.#exports]
      .map(remaining);
    const lasting: Fault[] = [];
    if (this.#sessionLimit !== undefined) {
      lasting.push({ kind: "session-limit", limit: this.#sessionLimit });
    }
    if (this.#loseReplies !== undefined) lasting.push(this.#loseReplies.fault);
    return [...striking, ...lasting];
  }

  /** How often each kind struck since the start. */
  struck(): Partial<Record<Fault["kind"], number>> {
    return Object.fromEntries(this.#struck);
  }

  #loseReply(): CommandFault | undefined {
    const losing = this.#loseReplies;
    if (losing === undefined || losing.random() * 100 >= losing.fault.percent) return undefined;
    this.#countKind("lose-replies");
    return { kind: "reset-after", times: 1 };
  }

  #count<F extends Striking>(fault: F | undefined): F | undefined {
    if (fault !== undefined) this.#countKind(fault.kind);
    return fault;
  }

  #countKind(kind: Fault["kind"]): void {
    this.#struck.set(kind, (this.#struck.get(kind) ?? 0) + 1);
  }
}

function enqueue<F extends Striking>(queue: Waiting<F>[], fault: F): void {
  if (queue.length >= MAX_WAITING_FAULTS) {
    throw new RangeError(`Cannot add fault "${fault.kind}": ${queue.length} are waiting already`);
  }
  queue.push({ fault, skip: fault.skip ?? 0, left: fault.times });
}

/** The first waiting fault that fits and lets no more pass; counts it, drops it when used up. */
function take<F extends Striking>(
  queue: Waiting<F>[],
  fits: (fault: F) => boolean,
): F | undefined {
  let struck: Waiting<F> | undefined;
  for (const waiting of queue) {
    if (!fits(waiting.fault)) continue;
    if (waiting.skip > 0) waiting.skip -= 1;
    else struck ??= waiting;
  }
  if (struck === undefined) return undefined;
  struck.left -= 1;
  if (struck.left <= 0) queue.splice(queue.indexOf(struck), 1);
  return struck.fault;
}

function remaining(waiting: Waiting<Striking>): Fault {
  const left = { ...waiting.fault, times: waiting.left };
  return waiting.fault.skip === undefined ? left : { ...left, skip: waiting.skip };
}
