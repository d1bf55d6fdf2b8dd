/**
 * One command line in, one of three results out. A line runs inside an envelope with two markers,
 * because RouterOS says success and failure alike on stdout with exit status 0.
 */
import type { Clock } from "../../ports/clock.ts";
import type { Connection } from "./connection.ts";
import { within } from "./deadline.ts";
import { isFailureText } from "./failures.ts";
import { script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

/** What became of a command line. */
export type Outcome =
  /** It ran to its end; `lines` is what it printed. */
  | { readonly kind: "done"; readonly lines: readonly string[] }
  /** The box refused it, with that text: definitely not done, or undone by the line itself. */
  | { readonly kind: "refused"; readonly text: string }
  /** Nobody knows: the connection, or a part of the reply, was lost. It may even still run. */
  | { readonly kind: "unknown"; readonly reason: string };

/** How long a command may take, and how much it may say. */
export interface CommandLimits {
  readonly deadlineMs: number;
  readonly bytesMax: number;
}

/** `statements` in the envelope; `nonce` marks its end, so that no output can be taken for it. */
export function envelope(statements: Script, nonce: string): string {
  const line = script`:onerror e in={ ${statements}; :put ${`@ok ${nonce}`} }
    do={ :put (${`@err ${nonce} `} . $e) }`;
  return line.text;
}

/** Runs `statements` on `connection`, which is dropped unless the box answers in full. */
export async function runStatements(
  connection: Pick<Connection, "exec" | "drop">,
  statements: Script,
  nonce: string,
  limits: CommandLimits,
  clock: Clock,
  signal: AbortSignal,
): Promise<Outcome> {
  const line = envelope(statements, nonce);
  const end = await within(
    clock,
    limits.deadlineMs,
    "the command",
    signal,
    (bounded) => connection.exec(line, limits.bytesMax, bounded),
  );
  const outcome = readReply(end.output, nonce);
  if (outcome !== undefined) return outcome;
  if (end.kind === "lost") return { kind: "unknown", reason: end.reason };
  const rejection = rejectionIn(end.output);
  if (rejection !== undefined) return { kind: "refused", text: rejection };
  connection.drop("a reply was cut short");
  return { kind: "unknown", reason: "the reply was cut short" };
}

/** What a reply with a marker says; undefined when there is none, or not the whole of it. */
function readReply(output: string, nonce: string): Outcome | undefined {
  const lines = output.split(/\r*\n/);
  const at = lines.findLastIndex((line) => line.startsWith("@"));
  const marker = lines[at];
  if (marker === `@ok ${nonce}`) return { kind: "done", lines: lines.slice(0, at) };
  const failed = `@err ${nonce} `;
  const isWhole = at < lines.length - 1;
  if (marker?.startsWith(failed) && isWhole) {
    return { kind: "refused", text: marker.slice(failed.length) };
  }
  return undefined;
}

/**
 * A line that could not be parsed says so and nothing else; none of it ran. Anything more, or less,
 * is a reply that was cut short.
 */
function rejectionIn(output: string): string | undefined {
  const lines = output.split(/\r*\n/).map((line) => line.trim()).filter((line) => line !== "");
  const text = lines.join(" ");
  return isFailureText(text) && !text.includes("@") ? text : undefined;
}
