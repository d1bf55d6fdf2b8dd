/**
 * What happens around every call, in this order: admission, decoding, the limits of the
 * specification, the handler, encoding, the status, one event.
 */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Observe } from "../../ports/events.ts";
import { redact } from "./redact.ts";
import { checkLimits } from "./request_limits.ts";
import type { Handle, OfferedMethod } from "./service.ts";
import {
  callerLeft,
  deadlineReached,
  notOffered,
  type RpcStatus,
  STATUS,
  statusName,
  statusOf,
} from "./status.ts";

/** A call as it came from the wire. */
export interface IncomingCall {
  readonly method: OfferedMethod;
  readonly requestBytes: Uint8Array;
  /** Names and values of the caller's metadata together. */
  readonly metadataBytes: number;
  /** The caller's deadline in milliseconds since 1970; `Infinity` when there is none. */
  readonly callerDeadlineMs: number;
  /** Registers what to do when the caller cancels or leaves. */
  onCancelled(listener: () => void): void;
}

/** What goes back: bytes, or a status that is not OK. */
export type Reply =
  | { readonly kind: "response"; readonly bytes: Uint8Array }
  | { readonly kind: "failure"; readonly status: RpcStatus };

/** What the interceptors need. */
export interface CallsOptions {
  readonly clock: Clock;
  readonly observe: Observe;
  readonly maxMetadataBytes: number;
  /** At one time, for each service, so that calls of one cannot keep out a probe of another. */
  readonly maxConcurrentCalls: number;
  /** The bound for a caller with no deadline or a later one. */
  readonly longestCallMs: number;
}

/**
 * A caller's own timer and ours race at the deadline; a cancellation this close to it counts as
 * the deadline.
 */
const DEADLINE_TOLERANCE_MS = 20;

/** A call while it runs, and what is known of it so far. */
interface RunningCall {
  readonly incoming: IncomingCall;
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly abort: AbortController;
  request?: Message;
  response?: Message;
}

/** Runs calls, each exactly as bounded as the options say. */
export class Calls {
  readonly #options: CallsOptions;
  readonly #work = new Map<AbortController, Promise<void>>();
  readonly #runningPerService = new Map<string, number>();

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /**
   * Runs one call to its reply. Rejects only when the observer throws. When the signal of the call aborts the reply comes
   * at once; the call keeps its place until its handler has ended.
   */
  async run(incoming: IncomingCall): Promise<Reply> {
    const { clock, longestCallMs } = this.#options;
    const call: RunningCall = {
      incoming,
      startedMs: clock.monotonicMs(),
      deadlineMs: Math.min(incoming.callerDeadlineMs, clock.wallMs() + longestCallMs),
      abort: new AbortController(),
    };
    const { handle, name } = incoming.method;
    if (handle === undefined) return this.#failed(call, notOffered(name));
    try {
      const bytes = await this.#bounded(call, handle);
      this.#report(call, STATUS.OK);
      return { kind: "response", bytes };
    } catch (error) {
      return this.#failed(call, statusOf(error, call.abort.signal), error);
    }
  }

  /** Aborts the signals of all calls that run, with a reason that their callers will read. */
  abortAll(reason: StorageError): void {
    for (const abort of this.#work.keys()) abort.abort(reason);
  }

  /** Waits until no handler runs. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work.values());
  }

  async #bounded(call: RunningCall, handle: Handle): Promise<Uint8Array> {
    const { clock } = this.#options;
    const { abort, deadlineMs } = call;
    const ended = new AbortController();
    clock.sleep(Math.max(0, deadlineMs - clock.wallMs()), ended.signal)
      .then(() => abort.abort(deadlineReached()), () => {});
    call.incoming.onCancelled(() => {
      // grpc-js says "cancelled" after every call, also after one that was answered.
      if (ended.signal.aborted) return;
      const isLate = clock.wallMs() >= deadlineMs - DEADLINE_TOLERANCE_MS;
      abort.abort(isLate ? deadlineReached() : callerLeft());
    });
    try {
      return await Promise.race([aborted(abort.signal), this.#admit(call, handle)]);
    } finally {
      ended.abort();
    }
  }

  #admit(call: RunningCall, handle: Handle): Promise<Uint8Array> {
    const { method } = call.incoming;
    const service = method.descriptor.parent.typeName;
    const running = this.#runningPerService.get(service) ?? 0;
    if (running >= this.#options.maxConcurrentCalls) {
      return Promise.reject(tooMany(method.name, running));
    }
    this.#runningPerService.set(service, running + 1);
    const work = this.#handle(call, handle);
    const leave = (): void => {
      this.#work.delete(call.abort);
      this.#runningPerService.set(service, (this.#runningPerService.get(service) ?? 1) - 1);
    };
    this.#work.set(call.abort, work.then(leave, leave));
    return work;
  }

  async #handle(call: RunningCall, handle: Handle): Promise<Uint8Array> {
    const { method, metadataBytes, requestBytes } = call.incoming;
    checkMetadata(metadataBytes, this.#options.maxMetadataBytes);
    const request = method.decode(requestBytes);
    call.request = request;
    checkLimits(method.descriptor.input, request);
    const response = await handle(request, {
      method: method.name,
      signal: call.abort.signal,
      deadlineMs: call.deadlineMs,
    });
    call.response = response;
    return method.encode(response);
  }

  #failed(call: RunningCall, failure: RpcStatus, error?: unknown): Reply {
    this.#report(call, failure.code, error);
    return { kind: "failure", status: failure };
  }

  #report(call: RunningCall, code: number, error?: unknown): void {
    const { method } = call.incoming;
    const volumeId = volumeIdOf(call);
    const { request } = call;
    this.#options.observe({
      kind: "rpc-finished",
      method: method.name,
      code: statusName(code),
      durationMs: this.#options.clock.monotonicMs() - call.startedMs,
      ...(volumeId === undefined ? {} : { volumeId }),
      ...(error === undefined ? {} : { error }),
      ...(error === undefined || request === undefined
        ? {}
        : { request: redact(method.descriptor.input, request) }),
    });
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function tooMany(method: string, running: number): StorageError {
  // Not "out-of-space": a provisioner takes that for a full array and looks for another node.
  return new StorageError(
    "unavailable",
    `Cannot start ${method}: ${running} calls of this service are running; try again`,
  );
}

function checkMetadata(bytes: number, limit: number): void {
  if (bytes <= limit) return;
  const finding = `its metadata has ${bytes} bytes, and at most ${limit} are allowed`;
  throw new StorageError("invalid", `Cannot accept the request: ${finding}`);
}

/** The volume that a call is about: named by the request, or made by the call. */
function volumeIdOf({ incoming, request, response }: RunningCall): string | undefined {
  const { input, output } = incoming.method.descriptor;
  return textField(input, request, "volume_id") ??
    textField(input, request, "source_volume_id") ??
    createdVolumeId(output, response);
}

function createdVolumeId(schema: DescMessage, response: Message | undefined): string | undefined {
  const field = schema.fields.find(({ name }) => name === "volume");
  if (response === undefined || field?.fieldKind !== "message") return undefined;
  const reflected = reflect(schema, response);
  if (!reflected.isSet(field)) return undefined;
  return textField(field.message, reflected.get(field).message, "volume_id");
}

function textField(
  schema: DescMessage,
  message: Message | undefined,
  name: string,
): string | undefined {
  const field = schema.fields.find((candidate) => candidate.name === name);
  if (message === undefined || field?.fieldKind !== "scalar") return undefined;
  const value: unknown = reflect(schema, message).get(field);
  return typeof value === "string" && value !== "" ? value : undefined;
}
