import type { CommandClass } from "../faults.ts";

/** The time each class of command takes, in milliseconds. */
export type Latency = Readonly<Record<CommandClass, number>>;

/** The classes, in the order they are shown. */
export const COMMAND_CLASSES: readonly CommandClass[] = [
  "handshake",
  "read",
  "add",
  "change",
  "remove",
];

/** The longest latency of one command, in milliseconds: ten minutes. */
export const MAX_LATENCY_MS = 600_000;

/** A box that answers at once. */
export const NO_LATENCY: Latency = { handshake: 0, read: 0, add: 0, change: 0, remove: 0 };

/** What was measured or reported of real hardware, in the middle of the reported ranges. */
export const HARDWARE_LATENCY: Latency = {
  handshake: 350,
  read: 75,
  add: 700,
  change: 75,
  remove: 700,
};

/** The class that `name` stands for, or undefined. */
export function commandClassOf(name: string): CommandClass | undefined {
  return COMMAND_CLASSES.find((known) => known === name);
}

/** Waits `delayMs`; returns early, without an error, when `signal` aborts. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, delayMs);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}

/** Waits until `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
