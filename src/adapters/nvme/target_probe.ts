/**
 * Asks a target from user space whether it speaks NVMe/TCP, before the kernel is asked to connect:
 * the kernel would wait for a silent one for ten seconds, under a lock that every other connect of
 * the node needs. This one can be cancelled and holds up nobody.
 */
import { StorageError } from "../../domain/errors.ts";
import type { TransportAddress } from "../../domain/nvme.ts";
import type { Clock } from "../../ports/clock.ts";
import { judgeConnect } from "./connect_failures.ts";

/** What a probe needs of a connection; the part of `Deno.TcpConn` that it uses. */
export interface ProbeConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Opens a TCP connection; rejects with an error that has a `code` such as ECONNREFUSED. */
export type OpenConnection = (
  at: TransportAddress,
  signal: AbortSignal,
) => Promise<ProbeConnection>;

/** Asks the target at an address; resolves when it speaks NVMe/TCP. */
export type ProbeTarget = (
  at: TransportAddress,
  what: string,
  signal: AbortSignal,
) => Promise<void>;

const PDU_BYTES = 128;
const TYPE_INITIALIZE_REQUEST = 0x00;
const TYPE_INITIALIZE_RESPONSE = 0x01;
/** Type, flags, length of the header, offset of the data, length of it all. */
const COMMON_HEADER_BYTES = 8;

/** Opens a connection of this process. */
export const openTcp: OpenConnection = ({ address, port }, signal) =>
  Deno.connect({ hostname: address, port, signal });

/**
 * A probe that gives the target `deadlineMs` for everything.
 * It throws `unavailable` when nothing answers, or what answers does not speak NVMe/TCP.
 */
export function targetProbe(open: OpenConnection, clock: Clock, deadlineMs: number): ProbeTarget {
  return async (at, what, signal) => {
    signal.throwIfAborted();
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    let step: "ETIMEDOUT" | "EAGAIN" = "ETIMEDOUT";
    const late = clock.sleep(deadlineMs, both).then(() => {
      throw failure(step, what);
    });
    const work = (async (): Promise<void> => {
      const connection = await openOrExplain(open, at, what, both);
      step = "EAGAIN";
      both.addEventListener("abort", () => closeQuietly(connection), { once: true });
      // It was given up in the very moment it was there.
      if (both.aborted) closeQuietly(connection);
      await shakeHands(connection, what);
    })();
    work.catch(() => {});
    try {
      await Promise.race([work, late]);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      late.catch(() => {});
      over.abort();
    }
  };
}

/** The request that opens every queue: no digests, no padding, one transfer at a time. */
export function initializeRequest(): Uint8Array {
  const pdu = new Uint8Array(PDU_BYTES);
  const view = new DataView(pdu.buffer);
  view.setUint8(0, TYPE_INITIALIZE_REQUEST);
  view.setUint8(2, PDU_BYTES);
  view.setUint32(4, PDU_BYTES, true);
  return pdu;
}

async function openOrExplain(
  open: OpenConnection,
  at: TransportAddress,
  what: string,
  signal: AbortSignal,
): Promise<ProbeConnection> {
  try {
    return await open(at, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw failure(codeOf(cause), what, cause);
  }
}

async function shakeHands(connection: ProbeConnection, what: string): Promise<void> {
  const request = initializeRequest();
  const header = new Uint8Array(COMMON_HEADER_BYTES);
  let got = 0;
  try {
    for (let sent = 0; sent < request.length;) {
      sent += await connection.write(request.subarray(sent));
    }
    while (got < header.length) {
      const count = await connection.read(header.subarray(got));
      if (count === null) break;
      got += count;
    }
  } catch (cause) {
    throw failure("ECONNRESET", what, cause);
  }
  if (got < header.length) throw failure("ECONNRESET", what);
  if (header[0] === TYPE_INITIALIZE_RESPONSE && header[2] === PDU_BYTES) return;
  throw new StorageError("unavailable", `Cannot connect to ${what}: it does not speak NVMe/TCP`);
}

function failure(errno: string, what: string, cause?: unknown): StorageError {
  const verdict = judgeConnect(errno, what);
  const { message } = verdict.kind === "present"
    ? { message: `Cannot connect to ${what}: ${errno}` }
    : verdict.error;
  return new StorageError("unavailable", message, { cause });
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  if (code !== undefined) return code;
  if (error instanceof Deno.errors.ConnectionRefused) return "ECONNREFUSED";
  if (error instanceof Deno.errors.ConnectionReset) return "ECONNRESET";
  if (error instanceof Deno.errors.TimedOut) return "ETIMEDOUT";
  return error instanceof Error ? error.message : "unknown error";
}

function closeQuietly(connection: ProbeConnection): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
