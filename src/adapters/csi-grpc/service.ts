/**
 * Services by their generated descriptors: what a handler looks like, and how a set of handlers
 * becomes a service that the server can offer.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type {
  DescMessage,
  DescMethod,
  DescService,
  Message,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { GenService, GenServiceMethods } from "@bufbuild/protobuf/codegenv2";
import { StorageError } from "../../domain/errors.ts";

/** What a handler knows of the call beside the request. */
export interface CallContext {
  /** For example `csi.v1.Controller/CreateVolume`. */
  readonly method: string;
  /** Aborts when the caller cancels or leaves, at the deadline, and when the driver stops. */
  readonly signal: AbortSignal;
  /**
   * When `signal` aborts at the latest, in milliseconds since 1970: the caller's deadline, or the
   * server's bound for a caller that has none or a later one.
   */
  readonly deadlineMs: number;
}

/** One handler: a request in, the fields of the response out. Failures are thrown. */
export type UnaryHandler<Input extends DescMessage, Output extends DescMessage> = (
  request: MessageShape<Input>,
  context: CallContext,
) => Promise<MessageInitShape<Output>>;

/** The handlers of a service, by method; those that are left out answer UNIMPLEMENTED. */
export type Handlers<Methods extends GenServiceMethods> = {
  readonly [
    Name in keyof Methods as Methods[Name]["methodKind"] extends "unary" ? Name : never
  ]?: UnaryHandler<Methods[Name]["input"], Methods[Name]["output"]>;
};

/** The handlers of a generated service: `HandlersOf<typeof Controller>`. */
export type HandlersOf<Service> = Service extends GenService<infer Methods> ? Handlers<Methods>
  : never;

/** A handler of a method of which only the server's side is known. */
export type Handle = (request: Message, context: CallContext) => Promise<Message>;

/** A method as the server sees it: bytes in, messages between, bytes out. */
export interface OfferedMethod {
  /** For example `csi.v1.Controller/CreateVolume`. */
  readonly name: string;
  readonly descriptor: DescMethod;
  /** @throws {StorageError} `invalid` when the bytes are not a message of the right kind. */
  decode(bytes: Uint8Array): Message;
  /** Absent when the driver does not offer the method. Gives the response. */
  readonly handle: Handle | undefined;
  encode(response: Message): Uint8Array;
}

/** A service with all its methods, offered or not. */
export interface OfferedService {
  /** For example `csi.v1.Controller`. */
  readonly name: string;
  readonly methods: readonly OfferedMethod[];
}

/** Joins a generated service with its handlers. */
export function offer<Methods extends GenServiceMethods>(
  service: GenService<Methods>,
  handlers: Handlers<Methods>,
): OfferedService {
  const descriptor: DescService = service;
  const byName = new Map<string, unknown>(Object.entries(handlers));
  return {
    name: descriptor.typeName,
    methods: descriptor.methods.map((method) =>
      offeredMethod(method, byName.get(method.localName))
    ),
  };
}

function offeredMethod(descriptor: DescMethod, handler: unknown): OfferedMethod {
  return {
    name: `${descriptor.parent.typeName}/${descriptor.name}`,
    descriptor,
    decode: (bytes) => decode(descriptor.input, bytes),
    handle: isHandler(handler)
      ? async (request, context) => create(descriptor.output, await handler(request, context))
      : undefined,
    encode: (response) => toBinary(descriptor.output, response),
  };
}

/** `Handlers` has checked the types per method; behind this line they are all alike. */
function isHandler(handler: unknown): handler is UnaryHandler<DescMessage, DescMessage> {
  return typeof handler === "function";
}

function decode(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    const finding = `${bytes.byteLength} bytes are not a ${schema.typeName}`;
    throw new StorageError("invalid", `Cannot read the request: ${finding}`, { cause });
  }
}
