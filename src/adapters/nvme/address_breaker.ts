/**
 * Addresses that made the kernel wait, and until when they are left alone. Each failure doubles
 * the time, up to a limit; a success ends it.
 */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";

/** For how long an address is left alone. */
export interface BreakerLimits {
  /** After the first failure, in milliseconds. */
  readonly firstMs: number;
  readonly longestMs: number;
}

interface Entry {
  readonly failures: number;
  readonly untilMs: number;
  readonly reason: string;
}

const ENTRIES_MAX = 1024;
/** Volumes of one array must not come back all at once. */
const JITTER = 0.2;

/** Breakers by address. */
export class AddressBreaker {
  readonly #limits: BreakerLimits;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #entries = new Map<string, Entry>();

  constructor(limits: BreakerLimits, clock: Clock, random: Random) {
    this.#limits = limits;
    this.#clock = clock;
    this.#random = random;
  }

  /** @throws {StorageError} `unavailable` while the address is left alone, with why and how long. */
  check(address: string, what: string): void {
    const entry = this.#entries.get(address);
    const leftMs = (entry?.untilMs ?? 0) - this.#clock.monotonicMs();
    if (entry === undefined || leftMs <= 0) return;
    throw new StorageError(
      "unavailable",
      `Cannot connect to ${what}: ${address} is left alone for ${Math.ceil(leftMs / 1000)} s ` +
        `after ${entry.failures} failure${
          entry.failures === 1 ? "" : "s"
        }, lately: ${entry.reason}`,
    );
  }

  /** Remembers that the kernel waited for the address in vain. */
  failed(address: string, reason: string): void {
    const failures = (this.#entries.get(address)?.failures ?? 0) + 1;
    const { firstMs, longestMs } = this.#limits;
    const waitMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 20));
    const untilMs = this.#clock.monotonicMs() + waitMs * (1 + JITTER * this.#random());
    this.#entries.delete(address);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= ENTRIES_MAX && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(address, { failures, untilMs, reason });
  }

  /** Forgets what was held against the address. */
  succeeded(address: string): void {
    this.#entries.delete(address);
  }
}
