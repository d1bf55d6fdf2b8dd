/** What a sequence happens to: a controller that serves CSI, and the array behind it. */
import type { Fault } from "../../src/simulator/faults.ts";
import type { CsiClient } from "../../tools/trial/csi_client.ts";
import type { Copies } from "./oracle.ts";
import type { CutAt } from "./steps.ts";

/** What stands on the array, for comparison with what must. */
export interface Inventory {
  /** The ids of our items, in order. */
  readonly items: readonly string[];
  /** The ids of the files below our base path, in order. */
  readonly files: readonly string[];
  /** What is free on the pool. */
  readonly freeBytes: number;
  /** Everything that is not ours, row by row, as the array shows it. */
  readonly foreign: readonly string[];
  /** What the array recorded that must never happen. */
  readonly violations: readonly string[];
}

/** A world. Dispose of it to end all of it. */
export interface World extends AsyncDisposable {
  readonly copies: Copies;
  /** A client of the controller that runs now. */
  readonly client: CsiClient;
  /** Whether calls may hang for now, so that only short deadlines make sense. */
  readonly mayHang: boolean;
  /** The statuses that calls were answered with so far, the passing ones too. */
  readonly answers: Set<string>;
  inflict(fault: Fault): Promise<void>;
  /** Lets the pool seem full. */
  fill(): Promise<void>;
  /** Makes of a volume or snapshot what a command leaves that was cut short there. */
  cutShort(id: string, at: CutAt): Promise<void>;
  /** Ends all faults; what hangs already stays so. */
  calm(): void;
  /** Lets the controller crash when it is about to send, or has sent, its n-th command from now. */
  crashAt(command: number, moment: "before" | "after"): void;
  /** Crashes the controller, if it still lives, and starts another. */
  restart(): Promise<void>;
  /** Writes into a volume as a node would. */
  write(id: string, content: string): Promise<void>;
  /** What stands in a volume or snapshot; empty when nothing was ever written. */
  read(id: string): Promise<string>;
  /** Looks at the array itself, past the controller. */
  inventory(): Promise<Inventory>;
}

/** Opens a world with nothing of ours in it. */
export type OpenWorld = () => Promise<World>;
