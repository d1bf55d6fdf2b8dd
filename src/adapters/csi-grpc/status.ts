/**
 * What a caller is told when a call fails: the only place that knows gRPC status codes.
 *
 * The specification of CSI wants a message that is never empty and no status details. The cause of
 * an error is for the log and never reaches the wire.
 */
import { status } from "@grpc/grpc-js";
import { StorageError, type StorageErrorCode } from "../../domain/errors.ts";

/** The status that each code becomes; a code without one does not compile. */
export const STATUS_OF: Readonly<Record<StorageErrorCode, number>> = {
  "invalid": status.INVALID_ARGUMENT,
  "not-found": status.NOT_FOUND,
  "already-exists": status.ALREADY_EXISTS,
  "out-of-space": status.RESOURCE_EXHAUSTED,
  "in-use": status.FAILED_PRECONDITION,
  "not-ready": status.FAILED_PRECONDITION,
  "busy": status.ABORTED,
  "stale-token": status.ABORTED,
  "out-of-range": status.OUT_OF_RANGE,
  "unavailable": status.UNAVAILABLE,
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
  if (!signal.aborted) return { code: status.INTERNAL, details: INTERNAL_DETAILS };
  const reason: unknown = signal.reason;
  if (reason instanceof StorageError) return ofStorageError(reason);
  if (reason instanceof DOMException && reason.name === "TimeoutError") {
    return { code: status.DEADLINE_EXCEEDED, details: reason.message };
  }
  return { code: status.CANCELLED, details: callerLeft().message };
}

/** The status of a method that exists in CSI and that this driver does not offer. */
export function notOffered(method: string): RpcStatus {
  return {
    code: status.UNIMPLEMENTED,
    details: `Cannot call ${method}: this driver does not offer it`,
  };
}

/** The name of a status code as it is written in the specification, for example `NOT_FOUND`. */
export function statusName(code: number): string {
  return status[code] ?? `CODE_${code}`;
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
