/** What was thrown, as a log can hold it: the whole chain of causes, bounded. */
import { StorageError } from "../../domain/errors.ts";

/** One link of a chain of causes. */
export interface FailureRecord {
  readonly name: string;
  readonly message: string;
  /** The code of a {@link StorageError} or of a system error such as ECONNREFUSED. */
  readonly code?: string;
  /** Where it was thrown; only for what was not thrown on purpose. */
  readonly stack?: string;
}

/** A chain that is longer, or that bites its own tail, ends here. */
const LONGEST_CHAIN = 8;
/** A message that is longer, such as a device's whole output, is cut here. */
const LONGEST_TEXT = 2000;

/** `thrown` and its causes, outermost first; at most {@link LONGEST_CHAIN} of them. */
export function failureChain(thrown: unknown): FailureRecord[] {
  const chain: FailureRecord[] = [];
  let link = thrown;
  while (link !== undefined && link !== null && chain.length < LONGEST_CHAIN) {
    chain.push(failureRecord(link));
    link = link instanceof Error ? link.cause : undefined;
  }
  return chain;
}

/** A chain of causes in one line: `outermost: inner: innermost`. */
export function failureText(thrown: unknown): string {
  return failureChain(thrown).map(({ message }) => message).join(" <- ");
}

function failureRecord(link: unknown): FailureRecord {
  if (!(link instanceof Error)) return { name: typeof link, message: cut(String(link)) };
  const record = { name: link.name, message: cut(link.message) };
  const code = "code" in link ? link.code : undefined;
  if (link instanceof StorageError) return { ...record, code: link.code };
  const withCode = typeof code === "string" ? { ...record, code } : record;
  return link.stack === undefined ? withCode : { ...withCode, stack: cut(link.stack) };
}

function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}… (cut)`;
}
