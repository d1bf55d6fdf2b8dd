import type { CommandStrike, ExportStrike, Fault, LineClass, Strike } from "../faults.ts";
import { parseBytes } from "./quantity.ts";

const LINE_CLASSES: readonly LineClass[] = ["read", "add", "change", "remove"];

const STRIKE = "times=N,skip=N";
const EXPORT_STRIKE = `slot=SLOT,${STRIKE}`;
const COMMAND_STRIKE = `${STRIKE},on=CLASS+CLASS`;

/** Every kind of fault with the fields it takes, as written on a command line. */
export const FAULT_FIELDS: Readonly<Record<Fault["kind"], string>> = {
  "refuse-connections": STRIKE,
  "wrong-host-key": STRIKE,
  "reset-before": COMMAND_STRIKE,
  "reset-after": COMMAND_STRIKE,
  "reset-middle": `after-bytes=N,${COMMAND_STRIKE}`,
  "truncate": `after-bytes=N,${COMMAND_STRIKE}`,
  "hang": COMMAND_STRIKE,
  "hang-after": COMMAND_STRIKE,
  "half-open": COMMAND_STRIKE,
  "late-export": `seconds=S,${EXPORT_STRIKE}`,
  "late-namespace": `seconds=S,${EXPORT_STRIKE}`,
  "new-identity": EXPORT_STRIKE,
  "new-controller": `least-id=N,${EXPORT_STRIKE}`,
  "same-identity": `as=SLOT,${EXPORT_STRIKE}`,
  "session-limit": "limit=N",
  "disk-full": "free-bytes=SIZE",
  "lose-replies": "percent=P,seed=N",
  "reboot": "seconds=S",
};

const MAX_COUNT = 1_000_000_000;

const MAX_CONTROLLER_ID = 0xffef;

/** The longest reboot, in seconds: an hour. */
export const MAX_REBOOT_SECONDS = 3600;

/**
 * Reads a fault in the form of {@link Fault}, as it comes over the control socket. `times` is 1
 * when absent, `afterBytes`, `freeBytes` and `seed` 0.
 * @throws {RangeError} naming the field, its value and what is allowed.
 */
export function faultOf(value: unknown): Fault {
  if (typeof value !== "object" || value === null) {
    throw new RangeError(`a fault is an object with a "kind", not ${JSON.stringify(value)}`);
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const kind = kindOf(fields.get("kind"));
  fields.delete("kind");
  return read(kind, new Fields(kind, fields));
}

/**
 * Reads a fault as a person writes it: `reset-after:times=2,on=add+change`.
 * @throws {RangeError} naming the field, its value and what is allowed.
 */
export function parseFault(text: string): Fault {
  const [kind = "", ...rest] = text.split(":");
  const fields = new Map<string, unknown>();
  for (const part of rest.join(":").split(",").filter((part) => part !== "")) {
    const [name = "", ...value] = part.split("=");
    fields.set(camelCase(name.trim()), value.join("=").trim());
  }
  return read(kindOf(kind.trim()), new Fields(kind, fields));
}

/** Writes a fault in the form {@link parseFault} reads. */
export function formatFault(fault: Fault): string {
  const fields = Object.entries(fault).flatMap(([name, value]) => {
    if (name === "kind") return [];
    const text = Array.isArray(value) ? value.join("+") : String(value);
    return [`${kebabCase(name)}=${text}`];
  });
  return fields.length === 0 ? fault.kind : `${fault.kind}:${fields.join(",")}`;
}

function read(kind: Fault["kind"], fields: Fields): Fault {
  const fault = build(kind, fields);
  fields.refuseRest();
  return fault;
}

function build(kind: Fault["kind"], fields: Fields): Fault {
  switch (kind) {
    case "refuse-connections":
    case "wrong-host-key":
      return { kind, ...strike(fields) };
    case "reset-before":
    case "reset-after":
      return { kind, ...commandStrike(fields) };
    case "reset-middle":
    case "truncate":
      return { kind, afterBytes: fields.integer("afterBytes", 0, 0), ...commandStrike(fields) };
    case "hang":
    case "hang-after":
    case "half-open":
      return { kind, ...commandStrike(fields) };
    case "late-export":
    case "late-namespace":
      return { kind, seconds: fields.seconds("seconds"), ...exportStrike(fields) };
    case "new-identity":
      return { kind, ...exportStrike(fields) };
    case "new-controller":
      return { kind, leastId: fields.controllerId("leastId"), ...exportStrike(fields) };
    case "same-identity":
      return { kind, as: fields.slot("as"), ...exportStrike(fields) };
    case "session-limit":
      return { kind, limit: fields.integer("limit", 0) };
    case "disk-full":
      return { kind, freeBytes: fields.bytes("freeBytes", 0) };
    case "lose-replies":
      return { kind, percent: fields.percent("percent"), seed: fields.integer("seed", 0, 0) };
    case "reboot":
      return { kind, seconds: fields.seconds("seconds") };
  }
}

function strike(fields: Fields): Strike {
  const times = fields.integer("times", 1, 1);
  const skip = fields.integer("skip", 0, 0);
  return skip === 0 ? { times } : { times, skip };
}

function commandStrike(fields: Fields): CommandStrike {
  const on = fields.classes("on");
  return on === undefined ? strike(fields) : { ...strike(fields), on };
}

function exportStrike(fields: Fields): ExportStrike {
  return { slot: fields.slot("slot"), ...strike(fields) };
}

function kindOf(value: unknown): Fault["kind"] {
  const kinds = Object.keys(FAULT_FIELDS) as Fault["kind"][];
  const kind = kinds.find((known) => known === value);
  if (kind === undefined) {
    throw new RangeError(
      `unknown fault ${JSON.stringify(value ?? null)}; allowed: ${kinds.join(", ")}`,
    );
  }
  return kind;
}

/** The fields of one fault, from JSON or from text; each is asked for once. */
class Fields {
  readonly #kind: string;
  readonly #values: Map<string, unknown>;

  constructor(kind: string, values: Map<string, unknown>) {
    this.#kind = kind;
    this.#values = values;
  }

  integer(name: string, least: number, absent?: number): number {
    const value = this.#number(name, absent);
    if (Number.isInteger(value) && value >= least && value <= MAX_COUNT) return value;
    throw this.#refusal(name, value, `a whole number from ${least} to ${MAX_COUNT}`);
  }

  /** The protocol has 16 bits for it and keeps the last few for itself. */
  controllerId(name: string): number {
    const value = this.#number(name);
    if (Number.isInteger(value) && value >= 1 && value <= MAX_CONTROLLER_ID) return value;
    throw this.#refusal(name, value, `a whole number from 1 to ${MAX_CONTROLLER_ID}`);
  }

  slot(name: string): string {
    const value = this.#take(name);
    if (typeof value === "string" && value !== "") return value;
    throw this.#refusal(name, value, "the slot of a disk");
  }

  percent(name: string): number {
    const value = this.#number(name);
    if (value >= 0 && value <= 100) return value;
    throw this.#refusal(name, value, "a number from 0 to 100");
  }

  seconds(name: string): number {
    const value = this.#number(name);
    if (value >= 0 && value <= MAX_REBOOT_SECONDS) return value;
    throw this.#refusal(name, value, `a number from 0 to ${MAX_REBOOT_SECONDS}`);
  }

  bytes(name: string, absent: number): number {
    const value = this.#take(name) ?? absent;
    const bytes = parseBytes(String(value));
    if (bytes !== undefined) return bytes;
    throw this.#refusal(name, value, "bytes, or a size such as 512M, 10G or 1T");
  }

  classes(name: string): LineClass[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const words: unknown[] = Array.isArray(value) ? value : String(value).split("+");
    const classes = LINE_CLASSES.filter((known) => words.includes(known));
    if (classes.length === words.length && words.length > 0) return classes;
    throw this.#refusal(name, value, `some of ${LINE_CLASSES.join(", ")}`);
  }

  refuseRest(): void {
    const [name] = this.#values.keys();
    if (name === undefined) return;
    const allowed = FAULT_FIELDS[kindOf(this.#kind)];
    throw new RangeError(
      `unknown field "${kebabCase(name)}" of fault "${this.#kind}"; allowed: ${allowed}`,
    );
  }

  #number(name: string, absent?: number): number {
    const value = this.#take(name) ?? absent;
    if (typeof value === "number") return value;
    const isText = typeof value === "string" && value !== "";
    // A percent sign is how a person writes it: lose-replies:percent=1%.
    return isText ? Number(value.replace(/%$/, "")) : NaN;
  }

  #take(name: string): unknown {
    const value = this.#values.get(name);
    this.#values.delete(name);
    return value;
  }

  #refusal(name: string, value: unknown, allowed: string): RangeError {
    const isNoNumber = typeof value === "number" && Number.isNaN(value);
    const given = isNoNumber ? "missing or no number" : JSON.stringify(value) ?? "missing";
    return new RangeError(
      `field "${kebabCase(name)}" of fault "${this.#kind}" is ${given}; allowed: ${allowed}`,
    );
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
