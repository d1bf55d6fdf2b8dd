/**
 * How each event appears in the log: its level and its sentence. A new event without a line here
 * does not compile.
 */
import type { DriverEvent } from "../../ports/events.ts";

/** The levels of the log, least urgent first. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** The levels of the log, least urgent first. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error"];

type Kind = DriverEvent["kind"];
type EventOf<K extends Kind> = Extract<DriverEvent, { kind: K }>;

/** How one kind of event is logged. */
interface Entry<K extends Kind> {
  /** One level, or what decides it. */
  readonly level: LogLevel | ((event: EventOf<K>) => LogLevel);
  /** One line for a person; the fields of the event stand beside it. */
  readonly say: (event: EventOf<K>) => string;
}

/** The status of an answer that is the caller's affair, or passes when it is tried again. */
const EXPECTED: ReadonlySet<string> = new Set([
  ...["CANCELLED", "NOT_FOUND", "ALREADY_EXISTS", "ABORTED", "OUT_OF_RANGE", "INVALID_ARGUMENT"],
  ...["UNIMPLEMENTED"],
]);
/** Calls that change nothing; sidecars and the kubelet make them all the time. */
const READING = /\/(Probe|Get|List|Validate|NodeGet)[A-Za-z]*$/;

const ENTRIES: { readonly [K in Kind]: Entry<K> } = {
  "rpc-finished": {
    level: levelOfCall,
    say: ({ method, code, durationMs, volumeId }) =>
      `${method}${volumeId === undefined ? "" : ` of ${volumeId}`} answered ${code} ` +
      `in ${Math.round(durationMs)} ms`,
  },
  "role-started": {
    level: "info",
    say: ({ role, endpoint, version }) => `${role} ${version} serves CSI on ${endpoint}`,
  },
  "role-stopped": { level: "info", say: ({ role, reason }) => `${role} stopped: ${reason}` },
  "session-opened": {
    level: "info",
    say: ({ array, attempt }) => `SSH session to "${array}" is open, attempt ${attempt}`,
  },
  "session-lost": {
    level: "warning",
    say: ({ array, reason, retryInMs }) =>
      `SSH session to "${array}" is lost (${reason}); next attempt in ${Math.round(retryInMs)} ms`,
  },
  "host-key-refused": {
    level: "error",
    say: ({ array, pinned, shown }) =>
      `"${array}" shows host key ${shown}, and ${pinned.join(" or ")} is pinned: not connected`,
  },
  "array-probed": {
    level: "info",
    say: ({ array, version }) => `"${array}" runs RouterOS ${version}`,
  },
  "copy-probed": {
    level: ({ reason }) => reason === undefined ? "info" : "warning",
    say: ({ array, result, reason }) =>
      `copies on "${array}": ${result}${reason === undefined ? "" : ` (${reason})`}`,
  },
  "preparation-failed": {
    level: "warning",
    say: ({ array, error }) =>
      `"${array}" could not be prepared: ${error instanceof Error ? error.message : error}`,
  },
  "outcome-unknown": {
    level: "warning",
    say: ({ array, change }) => `the reply of "${array}" to "${change}" was lost; asking it anew`,
  },
  "foreign-item": {
    level: "error",
    say: ({ array, item }) => `"${item}" on "${array}" is not of this cluster; left alone`,
  },
  "left-over-removed": {
    level: "warning",
    say: ({ array, item }) => `"${item}" on "${array}" was half made and is removed`,
  },
  "volume-abnormal": {
    level: "warning",
    say: ({ volumeId, finding }) => `volume ${volumeId} is not well: ${finding}`,
  },
  "volume-recovered": {
    level: "info",
    say: ({ volumeId, durationMs }) =>
      `volume ${volumeId} is well again after ${Math.round(durationMs / 1000)} s`,
  },
  "controller-regained": {
    level: "info",
    say: ({ volumeId, device, isSameDevice }) =>
      `volume ${volumeId} is connected again as device ${device}, ` +
      (isSameDevice ? "the same as before" : "another than before: its mounts are dead"),
  },
  "breaker-opened": {
    level: "error",
    say: ({ volumeId, reason, failures, retryAt }) =>
      `staging volume ${volumeId} failed ${failures} times and rests until ${retryAt}: ${reason}`,
  },
  "record-unreadable": {
    level: "error",
    say: ({ record }) => `record ${record} cannot be read; its volume is not looked after`,
  },
  "session-unclaimed": {
    level: "warning",
    say: ({ nqn, isClosed, finding }) =>
      `nobody staged ${nqn} here, ${
        isClosed ? "and it is disconnected" : "left alone"
      }: ${finding}`,
  },
  "children-stuck": {
    level: ({ count }) => count === 0 ? "info" : "error",
    say: ({ count, children }) =>
      count === 0
        ? "no child is stuck any more"
        : `${count} children are stuck in the kernel: ${children.join(", ")}`,
  },
  "host-danger": { level: "warning", say: ({ danger }) => `volumes are in danger: ${danger}` },
  "tools-missing": {
    level: "warning",
    say: ({ tools }) =>
      `this node lacks ${tools.join(", ")}: volumes that need one of them cannot be used here`,
  },
  "guard-failed": {
    level: "error",
    say: ({ error }) =>
      `volumes could not be looked after: ${error instanceof Error ? error.message : error}`,
  },
};

/** Every kind of event, with its level; undefined where the event's fields decide. */
export const EVENT_LEVELS: ReadonlyMap<string, LogLevel | undefined> = new Map(
  Object.entries(ENTRIES).map(([kind, { level }]) => [
    kind,
    typeof level === "string" ? level : undefined,
  ]),
);

/** The level and the sentence of an event. */
export function describeEvent(event: DriverEvent): { level: LogLevel; text: string } {
  const entry: Entry<Kind> = entryOf(event.kind);
  const { level } = entry;
  return { level: typeof level === "string" ? level : level(event), text: entry.say(event) };
}

/** The table is keyed by kind, so an entry takes just the events it is asked for. */
function entryOf(kind: Kind): Entry<Kind> {
  return ENTRIES[kind] as Entry<Kind>;
}

function levelOfCall({ method, code }: EventOf<"rpc-finished">): LogLevel {
  if (code === "OK") return READING.test(method) ? "debug" : "info";
  if (code === "INTERNAL" || code === "UNKNOWN" || code === "DATA_LOSS") return "error";
  return EXPECTED.has(code) ? "info" : "warning";
}
