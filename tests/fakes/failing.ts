/**
 * Failure from outside: a wrapper that makes the n-th call of the ports it covers fail, before or
 * after the call took effect. What is wrapped stays honest.
 */
import { StorageError } from "../../src/domain/errors.ts";

/** Which call fails, and whether its effect is there when it does. */
export interface FaultPlan {
  /** Counted from 1 over all wrapped ports; 0 = none. */
  readonly callNumber: number;
  readonly moment: "before" | "after";
  /** `death`: the process dies there, so the call never returns; else it fails. */
  readonly outcome?: "error" | "death";
}

/** Counts the calls of all ports it wraps, and fails the one that is planned. */
export class Faults {
  readonly #plan: FaultPlan;
  readonly #calls: string[] = [];
  readonly #death = Promise.withResolvers<void>();

  constructor(plan: FaultPlan) {
    this.#plan = plan;
  }

  /** The names of the methods that were called so far, in order. */
  get calls(): readonly string[] {
    return this.#calls;
  }

  /** Whether the planned call has been made. */
  get hasStruck(): boolean {
    return this.#plan.callNumber > 0 && this.#calls.length >= this.#plan.callNumber;
  }

  /** Fulfilled when the process has died as planned. */
  get death(): Promise<void> {
    return this.#death.promise;
  }

  /** `port` with every method counted, and failing when its turn comes. */
  wrap<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, key): unknown => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...given: unknown[]): Promise<unknown> =>
          this.#call(String(key), () => Reflect.apply(member, target, given));
      },
    });
  }

  async #call(method: string, perform: () => unknown): Promise<unknown> {
    this.#calls.push(method);
    const isStruck = this.#calls.length === this.#plan.callNumber;
    if (isStruck && this.#plan.moment === "before") return await this.#strike(method);
    const result = await perform();
    return isStruck ? await this.#strike(method) : result;
  }

  #strike(method: string): Promise<never> {
    if (this.#plan.outcome !== "death") return Promise.reject(lostReply(method));
    this.#death.resolve();
    return new Promise(() => {});
  }
}

/** `port` of which every method does nothing but give `answer`. */
export function answering<Port extends object>(port: Port, answer: () => Promise<never>): Port {
  return new Proxy<Port>(port, { get: () => answer });
}

/** What a caller sees in both cases: it cannot tell whether the change took effect. */
function lostReply(method: string): StorageError {
  return new StorageError("unavailable", `Cannot say what became of ${method}: the reply was lost`);
}
