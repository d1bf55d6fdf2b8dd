/**
 * The log: one line per event, JSON for machines or text for a terminal. The one file that knows
 * the logging package, whose configuration is one per process; so a process opens one log.
 */
import {
  type Config,
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogRecord,
} from "@logtape/logtape";
import type { DriverEvent, Observe } from "../../ports/events.ts";
import { describeEvent, type LogLevel } from "./event_log.ts";
import { failureChain, failureText } from "./failure_record.ts";

/** How a log line looks. */
export type LogFormat = "json" | "text";

/** The formats, the default first. */
export const LOG_FORMATS: readonly LogFormat[] = ["json", "text"];

/** What a log is made of. */
export interface LogOptions {
  /** Events below it are dropped. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes a line, its line end included. */
  readonly write: (line: string) => void;
}

const CATEGORY = "rds-csi";

/** Opens the log of the process; a second call replaces the first. @returns the subscriber */
export function openLog(options: LogOptions): Observe {
  const format = options.format === "json" ? jsonFormatter() : textFormatter();
  const configuration: Config<"lines", never> = {
    reset: true,
    sinks: { lines: (record: LogRecord) => options.write(format(record)) },
    loggers: [
      { category: CATEGORY, sinks: ["lines"], lowestLevel: options.level },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  };
  configureSync(configuration);
  const logger = getLogger(CATEGORY);
  const fieldsOf = options.format === "json" ? jsonFields : textFields;
  return (event) => {
    const { level, text } = describeEvent(event);
    const fields = fieldsOf(event);
    const message = options.format === "json" ? [text] : [`${text}${trailer(fields)}`];
    const timestamp = Date.now();
    logger.emit({ level, message, rawMessage: text, timestamp, properties: fields });
  };
}

/** The fields of an event, with what was thrown as a chain of causes. */
function jsonFields(event: DriverEvent): Record<string, unknown> {
  const { kind, ...fields } = event;
  if (!("error" in fields)) return { event: kind, ...fields };
  return { event: kind, ...fields, error: failureChain(fields.error) };
}

/** What the sentence does not say: why it failed, and what was asked. */
function textFields(event: DriverEvent): Record<string, unknown> {
  switch (event.kind) {
    case "rpc-finished": {
      const { error, request } = event;
      return {
        ...(error === undefined ? {} : { error: failureText(error) }),
        ...(request === undefined ? {} : { request: JSON.stringify(request, bigintAsText) }),
      };
    }
    case "array-probed":
      return { features: JSON.stringify(event.features) };
    default:
      return {};
  }
}

function trailer(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields).map(([name, value]) => `\n    ${name}: ${String(value)}`).join("");
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function jsonFormatter(): (record: LogRecord) => string {
  return getJsonLinesFormatter({ message: "rendered", properties: "flatten" });
}

function textFormatter(): (record: LogRecord) => string {
  return getTextFormatter({
    timestamp: "time",
    level: "full",
    // The package would quote and escape values; the sentence is complete already.
    value: String,
    format: ({ timestamp, level, message }) => `${timestamp} ${level} ${message}`,
  });
}
