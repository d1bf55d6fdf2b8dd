/** The CSI server: gRPC on a Unix socket, from the first listen to the last drained call. */
import {
  type MethodDefinition,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Observe } from "../../ports/events.ts";
import { parseEndpoint } from "./endpoint.ts";
import { Calls, type IncomingCall } from "./interceptors.ts";
import type { OfferedMethod, OfferedService } from "./service.ts";
import { INTERNAL_DETAILS, STATUS } from "./status.ts";
import {
  assertFree,
  bindPath,
  fileIdentity,
  publish,
  removeOwn,
  type SocketAccess,
} from "./socket_file.ts";
import { listenUnix, type UnixListener } from "./unix_listener.ts";

/** Everything that a caller could make large is bounded by one of these. */
export interface CsiServerLimits {
  readonly maxRequestBytes: number;
  /** Names and values of a call's metadata together. */
  readonly maxMetadataBytes: number;
  /** At one time, for each service; also the streams of one connection. */
  readonly maxConcurrentCalls: number;
  /** For callers with no deadline or a later one. */
  readonly longestCallMs: number;
  /** How long closing waits for running calls before it aborts them. */
  readonly drainMs: number;
}

/** The limits that hold when `CsiServerOptions.limits` does not say otherwise. */
export const DEFAULT_LIMITS: CsiServerLimits = {
  maxRequestBytes: 4 * 1024 * 1024,
  maxMetadataBytes: 16 * 1024,
  // external-provisioner alone runs 100 workers.
  maxConcurrentCalls: 256,
  longestCallMs: 600_000,
  drainMs: 20_000,
};

/** What is served, where, and to whom. */
export interface CsiServerOptions extends SocketAccess {
  /** `unix:///path` or `/path`. */
  readonly endpoint: string;
  readonly services: readonly OfferedService[];
  readonly observe: Observe;
  readonly clock: Clock;
  readonly limits?: Partial<CsiServerLimits>;
}

/** A server that listens. Disposing of it closes it. */
export interface CsiServer extends AsyncDisposable {
  /** The path of the socket. */
  readonly path: string;
  /**
   * Takes no new calls, waits for the running ones up to the drain time, aborts the rest, and
   * removes the socket. Bounded in time; calling it again gives the same promise.
   */
  close(): Promise<void>;
}

/** How long aborted calls have to send their last answer. */
const LAST_ANSWER_MS = 1000;

/**
 * Serves CSI at an endpoint.
 * @throws {StorageError} `invalid` for a bad endpoint; `in-use` when another process serves it or
 * something that is not a socket is there; `not-ready` when its directory is missing.
 */
export async function serveCsi(options: CsiServerOptions): Promise<CsiServer> {
  const path = parseEndpoint(options.endpoint);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const calls = new Calls({ ...limits, clock: options.clock, observe: options.observe });
  const server = new Server({
    "grpc.max_receive_message_length": limits.maxRequestBytes,
    "grpc.max_concurrent_streams": limits.maxConcurrentCalls,
    "grpc.enable_channelz": 0,
  });
  for (const service of options.services) addService(server, service, calls);
  await assertFree(path);
  const boundPath = bindPath(path);
  let listener: UnixListener | undefined;
  try {
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    listener = listenUnix(boundPath, (stream) => injector.injectConnection(stream));
    const identity = await fileIdentity(boundPath);
    await publish(boundPath, path, options);
    const socket = { path, identity, listener };
    return new ListeningServer(server, calls, socket, limits.drainMs, options.clock);
  } catch (cause) {
    listener?.close();
    server.forceShutdown();
    await removeOwn(boundPath, await fileIdentity(boundPath));
    if (cause instanceof StorageError) throw cause;
    throw new StorageError("not-ready", `Cannot listen on ${path}: ${textOf(cause)}`, { cause });
  }
}

/** The socket a server listens on. */
interface Socket {
  readonly path: string;
  /** Of its file, as it was made. */
  readonly identity: string | undefined;
  readonly listener: UnixListener;
}

class ListeningServer implements CsiServer {
  readonly path: string;
  readonly #server: Server;
  readonly #calls: Calls;
  readonly #identity: string | undefined;
  readonly #listener: UnixListener;
  readonly #drainMs: number;
  readonly #clock: Clock;
  #closed: Promise<void> | undefined;

  constructor(
    server: Server,
    calls: Calls,
    socket: Socket,
    drainMs: number,
    clock: Clock,
  ) {
    this.#server = server;
    this.#calls = calls;
    this.path = socket.path;
    this.#identity = socket.identity;
    this.#listener = socket.listener;
    this.#drainMs = drainMs;
    this.#clock = clock;
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // First, so that a successor finds the place free and its own socket is not taken away.
    await removeOwn(this.path, this.#identity);
    this.#listener.close();
    const drained = Promise.all([shutDown(this.#server), this.#calls.idle()]);
    if (await this.#endsWithin(drained, this.#drainMs)) return;
    this.#calls.abortAll(
      new StorageError("unavailable", "Cannot finish the call: the driver is stopping; try again"),
    );
    if (await this.#endsWithin(drained, LAST_ANSWER_MS)) return;
    this.#server.forceShutdown();
  }

  /** Whether `ending` settles in time. */
  async #endsWithin(ending: Promise<unknown>, milliseconds: number): Promise<boolean> {
    const settled = new AbortController();
    const late = this.#clock.sleep(milliseconds, settled.signal).then(() => false, () => true);
    try {
      return await Promise.race([ending.then(() => true), late]);
    } finally {
      settled.abort();
    }
  }
}

/** Resolves when no connection is left. */
function shutDown(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // An error here means that it was not listening, which is where closing leads anyway.
  server.tryShutdown(() => resolve());
  return promise;
}

function addService(server: Server, service: OfferedService, calls: Calls): void {
  const unary = service.methods.filter(({ descriptor }) => descriptor.methodKind === "unary");
  const definition: ServiceDefinition = Object.fromEntries(
    service.methods.map((method) => [method.descriptor.name, methodDefinition(method)]),
  );
  const implementation: UntypedServiceImplementation = Object.fromEntries(
    unary.map((method) => [
      method.descriptor.name,
      (call: ServerUnaryCall<Buffer, Uint8Array>, respond: sendUnaryData<Uint8Array>): void =>
        answer(calls, incoming(method, call), respond),
    ]),
  );
  server.addService(definition, implementation);
}

/** Bytes go through grpc-js as they are, so that decoding them is part of the call. */
function methodDefinition({ name, descriptor }: OfferedMethod): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/${name}`,
    requestStream: false,
    responseStream: descriptor.methodKind === "server_streaming",
    requestSerialize: asBuffer,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: asBuffer,
    responseDeserialize: (bytes) => bytes,
  };
}

function answer(calls: Calls, call: IncomingCall, respond: sendUnaryData<Uint8Array>): void {
  calls.run(call).then(
    (reply) => reply.kind === "response" ? respond(null, reply.bytes) : respond(reply.status),
    // Only an observer that breaks its contract leads here; it must not end the process.
    () => respond({ code: STATUS.INTERNAL, details: INTERNAL_DETAILS }),
  );
}

function incoming(method: OfferedMethod, call: ServerUnaryCall<Buffer, Uint8Array>): IncomingCall {
  return {
    method,
    requestBytes: call.request,
    metadataBytes: metadataBytes(call),
    callerDeadlineMs: Number(call.getDeadline()),
    onCancelled: (listener) => {
      if (call.cancelled) listener();
      else call.once("cancelled", listener);
    },
  };
}

function metadataBytes(call: ServerUnaryCall<Buffer, Uint8Array>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(call.metadata.toHttp2Headers())) {
    const values = Array.isArray(value) ? value : [String(value ?? "")];
    for (const one of values) bytes += name.length + one.length;
  }
  return bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
