import assert from "node:assert/strict";
import { initializeRequest, targetProbe } from "../../../../src/adapters/nvme/target_probe.ts";
import type {
  OpenConnection,
  ProbeConnection,
} from "../../../../src/adapters/nvme/target_probe.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";

const AT = { address: "10.0.0.1", port: 4501 };
const NEVER = new AbortController().signal;
/** What nvmet answers: type 1, header of 128 bytes, 128 bytes in all. */
const RESPONSE = Uint8Array.from(
  { length: 128 },
  (_, index) => index === 0 ? 1 : index === 2 || index === 4 ? 128 : 0,
);

/** A target that answers with these chunks and then stays silent, or closes. */
class FakeTarget implements ProbeConnection {
  readonly written: number[] = [];
  isClosed = false;
  readonly #chunks: Uint8Array[];
  readonly #closes: boolean;

  constructor(chunks: readonly Uint8Array[], closes = false) {
    this.#chunks = [...chunks];
    this.#closes = closes;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return this.#closes ? Promise.resolve(null) : new Promise(() => {});
    const part = chunk.subarray(0, buffer.length);
    buffer.set(part);
    return Promise.resolve(part.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    // A socket may take less than it is given.
    const taken = bytes.subarray(0, 100);
    this.written.push(...taken);
    return Promise.resolve(taken.length);
  }

  close(): void {
    this.isClosed = true;
  }
}

function probeOf(target: FakeTarget, clock: ManualClock): Promise<void> {
  return targetProbe(() => Promise.resolve(target), clock, 3000)(AT, "VOLUME", NEVER);
}

Deno.test("a target that answers the opening handshake is one", async () => {
  const clock = new ManualClock();
  const target = new FakeTarget([RESPONSE]);
  await probeOf(target, clock);
  assert.deepEqual(target.written, [...initializeRequest()]);
  assert.equal(target.isClosed, true);
  assert.equal(clock.sleeperCount, 0);
});

Deno.test("an answer may come in pieces", async () => {
  const target = new FakeTarget([RESPONSE.subarray(0, 3), RESPONSE.subarray(3)]);
  await probeOf(target, new ManualClock());
});

Deno.test("the opening request has the form of the NVMe/TCP specification", () => {
  const bytes = initializeRequest();
  assert.equal(bytes.length, 128);
  assert.deepEqual([...bytes.subarray(0, 12)], [0, 0, 128, 0, 128, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("a target that accepts and stays silent is given up in time, and closed", async () => {
  const clock = new ManualClock();
  const target = new FakeTarget([]);
  const silent = assert.rejects(probeOf(target, clock), {
    code: "unavailable",
    message: /accepted the connection and stayed silent/,
  });
  await clock.advance(3000);
  await silent;
  assert.equal(target.isClosed, true);
});

Deno.test("what speaks another protocol is refused", async () => {
  const target = new FakeTarget([new TextEncoder().encode("SSH-2.0-OpenSSH")]);
  await assert.rejects(probeOf(target, new ManualClock()), {
    code: "unavailable",
    message: "Cannot connect to VOLUME: it does not speak NVMe/TCP",
  });
  assert.equal(target.isClosed, true);
});

Deno.test("a target that closes at once is refused", async () => {
  await assert.rejects(probeOf(new FakeTarget([], true), new ManualClock()), {
    code: "unavailable",
    message: /closed the connection/,
  });
});

Deno.test("a port without a listener is refused as one", async () => {
  const open: OpenConnection = () =>
    Promise.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
  await assert.rejects(targetProbe(open, new ManualClock(), 3000)(AT, "VOLUME", NEVER), {
    code: "unavailable",
    message: /nothing listens there.*\(ECONNREFUSED\)/,
  });
});

Deno.test("an address that does not answer at all is given up in time", async () => {
  const clock = new ManualClock();
  const open: OpenConnection = (_at, signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  const late = assert.rejects(targetProbe(open, clock, 3000)(AT, "VOLUME", NEVER), {
    code: "unavailable",
    message: /does not answer.*\(ETIMEDOUT\)/,
  });
  await clock.advance(3000);
  await late;
});

Deno.test("a caller that leaves gets its own reason, and the connection is closed", async () => {
  const clock = new ManualClock();
  const leaving = new AbortController();
  const target = new FakeTarget([]);
  const probe = targetProbe(() => Promise.resolve(target), clock, 3000);
  const left = assert.rejects(probe(AT, "VOLUME", leaving.signal), /left/);
  await clock.advance(0);
  leaving.abort(new Error("left"));
  await left;
  assert.equal(target.isClosed, true);
  assert.equal(clock.sleeperCount, 0);
});
