/** Why a layer could not do what it was asked; a closed set, mapped to gRPC in one place. */
export type StorageErrorCode =
  /** The request is wrong whatever the state: a value, a capability or a parameter we do not support. */
  | "invalid"
  /** No such volume, snapshot or node. Never used when the array did not answer. */
  | "not-found"
  /** It exists and differs from what is asked. */
  | "already-exists"
  /** The array is full, or a limit is reached. */
  | "out-of-space"
  /** Published to another node, or something depends on it. */
  | "in-use"
  /** Something must happen first: not staged, a feature missing, a proof not given. */
  | "not-ready"
  /** Another operation on the same thing is running; try again. */
  | "busy"
  /** A paging token that no longer holds. */
  | "stale-token"
  /** A size outside what is possible. */
  | "out-of-range"
  /** The array, or a path to it, does not answer, or the outcome is unknown; try again. */
  | "unavailable";

/** Any failure that a layer reports on purpose. Anything else that is thrown is a bug. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;

  /**
   * @param message for the cluster's user: "Cannot <verb> <what>: <current value>"
   * @param options `cause` is for the log only and never reaches the wire
   */
  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StorageError";
    this.code = code;
  }
}
