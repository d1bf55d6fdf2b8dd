/**
 * The protocol of the control socket: one JSON object per line each way, answers in the order of
 * the requests.
 */
import type { CommandClass, Fault, Violation } from "../faults.ts";
import type { ExportState } from "../nvmet/exporter.ts";
import type { CommandRecord, Counters } from "../server/command_log.ts";
import { COMMAND_CLASSES, type Latency, MAX_LATENCY_MS } from "../server/latency.ts";
import { faultOf, MAX_REBOOT_SECONDS } from "./fault_notation.ts";

/** Which of the recorded commands are wanted. */
export interface CommandQuery {
  /** At most so many, the newest. */
  readonly last: number;
  /** Only those with a sequence above this. */
  readonly since: number;
}

/** A request, one per line. */
export type ControlRequest =
  | { readonly add: Fault }
  | { readonly clear: true }
  | { readonly latency: Partial<Latency> }
  | { readonly violations: true }
  | { readonly status: true }
  | { readonly reboot: { readonly seconds: number } }
  | { readonly commands: CommandQuery }
  | { readonly counters: true }
  | { readonly exports: true };

/** The state of a simulator. */
export interface SimulatorStatus {
  readonly host: string;
  readonly port: number;
  readonly hostKeyFingerprint: string;
  /** False while it reboots. */
  readonly isUp: boolean;
  readonly openConnections: number;
  readonly sessionLimit: number;
  /** Milliseconds per class of command. */
  readonly latency: Latency;
  /** What waits to strike, with what is left of it, and what lasts. */
  readonly faults: readonly Fault[];
  /** How often each kind struck since the start. */
  readonly struck: Readonly<Partial<Record<Fault["kind"], number>>>;
  readonly violations: number;
}

/** The commands recorded. */
export interface CommandList {
  /** All commands since the start, also those no longer kept. */
  readonly count: number;
  /** Oldest first. */
  readonly commands: readonly CommandRecord[];
}

/** What each request is answered with, in the field `result`. */
export interface ControlResults {
  readonly add: readonly Fault[];
  readonly clear: readonly Fault[];
  readonly latency: Latency;
  readonly violations: readonly Violation[];
  readonly status: SimulatorStatus;
  readonly reboot: { readonly seconds: number };
  readonly commands: CommandList;
  readonly counters: Counters;
  readonly exports: readonly ExportState[];
}

/** An answer, one per line. */
export type ControlAnswer =
  | { readonly ok: true; readonly result: ControlResults[keyof ControlResults] }
  | { readonly ok: false; readonly error: string };

/** The longest line of a request or an answer. */
export const MAX_CONTROL_LINE_BYTES: number = 16 * 1024 * 1024;

/** The commands listed when a request does not say how many. */
export const DEFAULT_LISTED_COMMANDS = 50;

const REQUESTS: readonly (keyof ControlResults)[] = [
  "add",
  "clear",
  "latency",
  "violations",
  "status",
  "reboot",
  "commands",
  "counters",
  "exports",
];

/**
 * Reads one line of the socket.
 * @throws {SyntaxError} when it is no JSON. @throws {RangeError} when it is no request.
 */
export function parseRequest(line: string): ControlRequest {
  const fields = objectOf(JSON.parse(line), "a request");
  const names = Object.keys(fields);
  const name = REQUESTS.find((known) => known === names[0]);
  if (name === undefined || names.length !== 1) {
    throw new RangeError(
      `a request has one of the fields ${REQUESTS.join(", ")}, not ${JSON.stringify(names)}`,
    );
  }
  const value = fields[name];
  switch (name) {
    case "add":
      return { add: faultOf(value) };
    case "latency":
      return { latency: latencyOf(objectOf(value, `"latency"`)) };
    case "reboot":
      return { reboot: { seconds: secondsOf(objectOf(value, `"reboot"`)["seconds"]) } };
    case "commands":
      return { commands: queryOf(value) };
    case "clear":
      return { clear: true };
    case "violations":
      return { violations: true };
    case "status":
      return { status: true };
    case "counters":
      return { counters: true };
    case "exports":
      return { exports: true };
  }
}

/**
 * Checks latencies in milliseconds by class.
 * @throws {RangeError} naming the class, the value and what is allowed.
 */
export function latencyOf(fields: Readonly<Record<string, unknown>>): Partial<Latency> {
  const latency: Partial<Record<CommandClass, number>> = {};
  for (const [name, value] of Object.entries(fields)) {
    const commandClass = COMMAND_CLASSES.find((known) => known === name);
    if (commandClass === undefined) {
      throw new RangeError(
        `unknown latency class "${name}"; allowed: ${COMMAND_CLASSES.join(", ")}`,
      );
    }
    if (typeof value !== "number" || !(value >= 0 && value <= MAX_LATENCY_MS)) {
      throw new RangeError(
        `latency of "${name}" is ${JSON.stringify(value)}; ` +
          `allowed: milliseconds from 0 to ${MAX_LATENCY_MS}`,
      );
    }
    latency[commandClass] = value;
  }
  return latency;
}

function secondsOf(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= MAX_REBOOT_SECONDS) return value;
  throw new RangeError(
    `"seconds" of a reboot is ${JSON.stringify(value)}; allowed: 0 to ${MAX_REBOOT_SECONDS}`,
  );
}

function queryOf(value: unknown): CommandQuery {
  if (value === true) return { last: DEFAULT_LISTED_COMMANDS, since: 0 };
  const fields = objectOf(value, `"commands"`);
  return {
    last: wholeNumber("last", fields["last"] ?? DEFAULT_LISTED_COMMANDS),
    since: wholeNumber("since", fields["since"] ?? 0),
  };
}

function wholeNumber(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`"${name}" is ${JSON.stringify(value)}; allowed: a whole number from 0`);
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new RangeError(`${what} is a JSON object, not ${JSON.stringify(value)}`);
}
