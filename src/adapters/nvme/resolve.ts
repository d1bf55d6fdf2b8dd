/** Names to addresses: the kernel takes numeric ones only. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { StorageError } from "../../domain/errors.ts";
import type { TransportAddress } from "../../domain/nvme.ts";
import type { Clock } from "../../ports/clock.ts";

/** Every address of a host name, by whatever this machine resolves names with. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** More than one array has. */
const ADDRESSES_MAX = 8;

/** The resolver of this machine: /etc/hosts, then DNS. */
export const machineLookup: Lookup = async (name) =>
  (await lookup(name, { all: true })).map(({ address }) => address);

/** Resolves names, each at most once at a time: a resolver that hangs is asked no second time. */
export class Resolver {
  readonly #lookup: Lookup;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #running = new Map<string, Promise<readonly string[]>>();

  constructor(look: Lookup, clock: Clock, deadlineMs: number) {
    this.#lookup = look;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * The numeric addresses that `at` may mean, at least one.
   * @throws {StorageError} `unavailable` when the name cannot be resolved in time.
   */
  async resolve(at: TransportAddress, signal: AbortSignal): Promise<TransportAddress[]> {
    if (isIP(at.address) !== 0) return [at];
    const found = await this.#inTime(at.address, signal);
    const addresses = [...new Set(found)].filter((each) => isIP(each) !== 0);
    if (addresses.length === 0) throw unresolved(at.address, "it has no address");
    return addresses.slice(0, ADDRESSES_MAX).map((address) => ({ address, port: at.port }));
  }

  async #inTime(name: string, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted();
    const over = new AbortController();
    const late = this.#clock.sleep(this.#deadlineMs, AbortSignal.any([signal, over.signal]));
    const lateness = late.then(() => {
      throw unresolved(name, `no answer in ${this.#deadlineMs / 1000} s`);
    });
    try {
      return await Promise.race([this.#look(name), lateness]);
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof StorageError) throw cause;
      throw unresolved(name, cause instanceof Error ? cause.message : String(cause), cause);
    } finally {
      lateness.catch(() => {});
      over.abort();
    }
  }

  #look(name: string): Promise<readonly string[]> {
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const asked = this.#lookup(name).finally(() => this.#running.delete(name));
    this.#running.set(name, asked);
    asked.catch(() => {});
    return asked;
  }
}

function unresolved(name: string, why: string, cause?: unknown): StorageError {
  return new StorageError("unavailable", `Cannot resolve host name "${name}": ${why}`, { cause });
}
