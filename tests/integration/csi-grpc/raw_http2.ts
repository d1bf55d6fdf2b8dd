/**
 * One gRPC call by hand-written HTTP/2 frames, for headers that no library would send. Reads only
 * what a test must know: the data of the answer, and whether the stream or the connection broke.
 */
import { Buffer } from "node:buffer";
import { createConnection } from "node:net";

const FRAME_HEADER_BYTES = 9;
const TYPE = { data: 0, headers: 1, resetStream: 3, settings: 4, goAway: 7 } as const;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const ANSWER_TIMEOUT_MS = 10_000;

/** How a call ended. */
export type RawAnswer =
  | { readonly kind: "answered"; readonly data: Buffer }
  | { readonly kind: "reset"; readonly errorCode: number }
  | { readonly kind: "gone" };

/**
 * Makes one call with an empty request.
 * @param authority the `:authority` header as it is; undefined sends none
 */
export async function rawCall(
  socketPath: string,
  grpcPath: string,
  authority: string | undefined,
): Promise<RawAnswer> {
  const socket = createConnection({ path: socketPath });
  const answer = Promise.withResolvers<RawAnswer>();
  const data: Buffer[] = [];
  let pending: Buffer = Buffer.alloc(0);
  socket.setTimeout(
    ANSWER_TIMEOUT_MS,
    () => answer.reject(new Error("Cannot get an answer in time")),
  );
  socket.once("error", () => answer.resolve({ kind: "gone" }));
  socket.once("close", () => answer.resolve({ kind: "gone" }));
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (let frame = firstFrame(pending); frame !== undefined; frame = firstFrame(pending)) {
      pending = pending.subarray(FRAME_HEADER_BYTES + frame.payload.length);
      const ending = endingOf(frame, data);
      if (ending !== undefined) answer.resolve(ending);
    }
  });
  socket.write(Buffer.concat([
    Buffer.from(PREFACE),
    encodeFrame(TYPE.settings, 0, 0, Buffer.alloc(0)),
    encodeFrame(TYPE.headers, END_HEADERS, 1, encodeHeaders(grpcPath, authority)),
    encodeFrame(TYPE.data, END_STREAM, 1, Buffer.alloc(5)),
  ]));
  try {
    return await answer.promise;
  } finally {
    socket.destroy();
  }
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

function firstFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined;
  const end = FRAME_HEADER_BYTES + bytes.readUIntBE(0, 3);
  if (bytes.length < end) return undefined;
  return {
    type: bytes.readUInt8(3),
    flags: bytes.readUInt8(4),
    payload: bytes.subarray(FRAME_HEADER_BYTES, end),
  };
}

function endingOf(frame: Frame, data: Buffer[]): RawAnswer | undefined {
  if (frame.type === TYPE.goAway) return { kind: "gone" };
  if (frame.type === TYPE.resetStream) {
    return { kind: "reset", errorCode: frame.payload.readUInt32BE(0) };
  }
  if (frame.type === TYPE.data) data.push(frame.payload);
  const isLast = (frame.type === TYPE.data || frame.type === TYPE.headers) &&
    (frame.flags & END_STREAM) !== 0;
  return isLast ? { kind: "answered", data: Buffer.concat(data) } : undefined;
}

function encodeFrame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** HPACK: every header as a literal that is not indexed. */
function encodeHeaders(grpcPath: string, authority: string | undefined): Buffer {
  const headers: [string, string][] = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", grpcPath],
    ...(authority === undefined ? [] : [[":authority", authority] as [string, string]]),
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ];
  return Buffer.concat(headers.flatMap(([name, value]) => [
    Buffer.from([0x00]),
    encodeText(name),
    encodeText(value),
  ]));
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 126) throw new RangeError(`Cannot encode a text of ${bytes.length} bytes`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
