/**
 * What a caller is told when a call fails: the only place that knows gRPC status codes.
 *
 * The specification of CSI wants a message that is never empty and no status details. The cause of
 * an error is for the log and never reaches the wire.
 */
import { StorageError, type StorageErrorCode } from "../../domain/errors.ts";

/**
 * gRPC's own numbers. Not taken from grpc-js, because that reads the environment when it is loaded
 * and this file is for everybody; a test compares the two.
 */
export const STATUS = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(STATUS).map(([name, code]) => [code, name]),
);

/** The status that each code becomes; a code without one does not compile. */
export const STATUS_OF: Readonly<Record<StorageErrorCode, number>> = {
  "invalid": STATUS.INVALID_ARGUMENT,
  "not-found": STATUS.NOT_FOUND,
  "already-exists": STATUS.ALREADY_EXISTS,
  "out-of-space": STATUS.RESOURCE_EXHAUSTED,
  "in-use": STATUS.FAILED_PRECONDITION,
  "not-ready": STATUS.FAILED_PRECONDITION,
  "busy": STATUS.ABORTED,
  "stale-token": STATUS.ABORTED,
  "out-of-range": STATUS.OUT_OF_RANGE,
  "unavailable": STATUS.UNAVAILABLE,
} satisfies Record<StorageErrorCode, number>;

/** A status as it goes to the caller. */
export interface RpcStatus {
  readonly code: number;
  /** Never empty, and always text that can be sent. */
  readonly details: string;
}

/** What a caller reads when the driver has a bug; the log has the rest. */
export const INTERNAL_DETAILS =
  "Cannot finish the call: the driver met an unexpected error, which its log describes";

/** Well below what clients accept as a header, even when every character needs nine bytes. */
const MAX_DETAILS_LENGTH = 2048;

/** The reason of an abort when the time that the caller gave has run out. */
export function deadlineReached(): DOMException {
  return new DOMException("The deadline of the call has passed", "TimeoutError");
}

/** The reason of an abort when the caller has gone away or has cancelled the call. */
export function callerLeft(): DOMException {
  return new DOMException("The caller has cancelled the call", "AbortError");
}

/**
 * The status for anything that was thrown during a call. Total: it never throws.
 * @param error what was thrown
 * @param signal the signal of the call; when it has aborted, its reason explains a foreign error
 */
export function statusOf(error: unknown, signal: AbortSignal): RpcStatus {
  if (error instanceof StorageError) return ofStorageError(error);
  if (!signal.aborted) return { code: STATUS.INTERNAL, details: INTERNAL_DETAILS };
  const reason: unknown = signal.reason;
  if (reason instanceof StorageError) return ofStorageError(reason);
  if (reason instanceof DOMException && reason.name === "TimeoutError") {
    return { code: STATUS.DEADLINE_EXCEEDED, details: reason.message };
  }
  return { code: STATUS.CANCELLED, details: callerLeft().message };
}

/** The status of a method that exists in CSI and that this driver does not offer. */
export function notOffered(method: string): RpcStatus {
  return {
    code: STATUS.UNIMPLEMENTED,
    details: `Cannot call ${method}: this driver does not offer it`,
  };
}

/** The name of a status code as it is written in the specification, for example `NOT_FOUND`. */
export function statusName(code: number): string {
  return NAMES.get(code) ?? `CODE_${code}`;
}

function ofStorageError(error: StorageError): RpcStatus {
  return { code: STATUS_OF[error.code], details: sendable(error.message) };
}

/** grpc-js percent-encodes the text and throws on half a surrogate pair, so there must be none. */
function sendable(message: string): string {
  if (message.trim() === "") return INTERNAL_DETAILS;
  const short = message.length <= MAX_DETAILS_LENGTH
    ? message
    : `${message.slice(0, MAX_DETAILS_LENGTH)}…`;
  return short.toWellFormed();
}
