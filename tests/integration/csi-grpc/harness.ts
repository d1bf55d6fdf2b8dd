/** A CSI server in a directory of its own, clients for it, and a record of its events. */
import { create, type DescMethod, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { identityHandlers } from "../../../src/adapters/csi-grpc/identity.ts";
import {
  Controller,
  type CreateVolumeResponseSchema,
  Identity,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import {
  type CsiServer,
  type CsiServerOptions,
  serveCsi,
} from "../../../src/adapters/csi-grpc/server.ts";
import { type HandlersOf, offer } from "../../../src/adapters/csi-grpc/service.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import type { DriverEvent } from "../../../src/ports/events.ts";

export type ControllerHandlers = HandlersOf<typeof Controller>;
export type CreateVolume = NonNullable<ControllerHandlers["createVolume"]>;
export type CreateVolumeResult = MessageInitShape<typeof CreateVolumeResponseSchema>;

export interface Harness extends AsyncDisposable {
  readonly server: CsiServer;
  readonly directory: string;
  readonly events: DriverEvent[];
  /** A new client with a connection of its own; closed with the harness. */
  client(): Client;
}

/** Serves Identity and the given handlers of Controller. */
export async function openHarness(
  controller: ControllerHandlers = {},
  options: Partial<CsiServerOptions> = {},
): Promise<Harness> {
  const directory = await Deno.makeTempDir({ prefix: "csi-" });
  const events: DriverEvent[] = [];
  const server = await serveCsi({
    endpoint: join(directory, "csi.sock"),
    services: [
      offer(
        Identity,
        identityHandlers({ name: "rds.example.org", version: "1.0.0", isReady: () => true }),
      ),
      offer(Controller, controller),
    ],
    observe: (event) => events.push(event),
    clock: systemClock,
    ...options,
  });
  const clients: Client[] = [];
  return {
    server,
    directory,
    events,
    client: () => {
      const client = connect(server.path);
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      clients.forEach((client) => client.close());
      await server.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** A client that shares its connection with no other. */
export function connect(path: string): Client {
  return new Client(`unix:${path}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": 0,
  });
}

/** What a call may have beside its request. */
export interface CallExtras {
  /** Milliseconds since 1970. */
  readonly deadlineMs?: number;
  readonly metadata?: Metadata;
  readonly signal?: AbortSignal;
}

/** Any method of a generated service. */
export type Method<Input extends DescMessage, Output extends DescMessage> = DescMethod & {
  readonly input: Input;
  readonly output: Output;
};

/** Calls a method; rejects with grpc-js's ServiceError. */
export function call<Input extends DescMessage, Output extends DescMessage>(
  client: Client,
  method: Method<Input, Output>,
  request: MessageInitShape<Input>,
  extras: CallExtras = {},
): Promise<MessageShape<Output>> {
  const bytes = toBinary(method.input, create(method.input, request));
  return callWithBytes(client, method, bytes, extras);
}

/** Calls a method with a request that need not be a message. */
export async function callWithBytes<Input extends DescMessage, Output extends DescMessage>(
  client: Client,
  method: Method<Input, Output>,
  requestBytes: Uint8Array,
  extras: CallExtras = {},
): Promise<MessageShape<Output>> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const running = client.makeUnaryRequest(
    `/${method.parent.typeName}/${method.name}`,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => bytes,
    requestBytes,
    extras.metadata ?? new Metadata(),
    extras.deadlineMs === undefined ? {} : { deadline: extras.deadlineMs },
    (error: ServiceError | null, response?: Buffer) => {
      if (response === undefined) reject(error);
      else resolve(response);
    },
  );
  extras.signal?.addEventListener("abort", () => running.cancel(), { once: true });
  return fromBinary(method.output, await promise);
}
