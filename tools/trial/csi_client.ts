/** A CSI client over a Unix socket: what a sidecar or the kubelet is to the driver. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type {
  DescMessage,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";

/** One unary method of a generated service. */
export type UnaryMethod<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> =
  DescMethodUnary<I, O>;

/** How long a call may take when the caller says nothing, as the sidecars do. */
const DEADLINE_MS = 60_000;

/** Calls the methods of one endpoint. Errors are grpc-js's, with `code` and `details`. */
export class CsiClient implements Disposable {
  readonly #client: Client;

  constructor(socketPath: string) {
    this.#client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
      "grpc.default_authority": "localhost",
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 200,
      "grpc.max_receive_message_length": 64 * 1024 * 1024,
    });
  }

  /** Calls `method`; `signal` cancels the call. Rejects with a {@link ServiceError} when the status is not OK. */
  call<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
    options: { readonly deadlineMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<MessageShape<O>> {
    const deadline = new Date(Date.now() + (options.deadlineMs ?? DEADLINE_MS));
    return new Promise((resolve, reject) => {
      const running = this.#client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
        (bytes: Buffer) => fromBinary(method.output, bytes),
        create(method.input, request),
        new Metadata(),
        { deadline },
        (error: ServiceError | null, reply?: MessageShape<O>) => {
          if (error !== null) reject(error);
          else if (reply !== undefined) resolve(reply);
        },
      );
      options.signal?.addEventListener("abort", () => running.cancel(), { once: true });
    });
  }

  /** Resolves when the endpoint takes calls. @throws {Error} when it does not within `withinMs`. */
  waitForReady(withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(
        Date.now() + withinMs,
        (error) => error ? reject(error) : resolve(),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** The gRPC status code of a failed call, or undefined when `error` is something else. */
export function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "number" ? error.code : undefined;
}

/** The methods of a service by the names of the specification, for callers that loop. */
export function methodNamesOf(service: DescService): string[] {
  return service.methods.map(({ name }) => name);
}
