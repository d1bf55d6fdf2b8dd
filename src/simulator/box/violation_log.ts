/** The record of what would have lost or mixed up data on a real box. */
import type { Violation } from "../faults.ts";
import type { BoxState } from "./state.ts";

const MAXIMUM_VIOLATIONS = 1000;

/** Violations survive a restart: a test that asserts there were none sees them all. */
export class ViolationLog {
  readonly #state: BoxState;

  constructor(state: BoxState) {
    this.#state = state;
  }

  /** Records a violation once; the same one again changes nothing. */
  record(kind: Violation["kind"], detail: string): void {
    const key = `${kind} ${detail}`;
    const known = this.#state.all("violation");
    if (known.has(key) || known.size >= MAXIMUM_VIOLATIONS) return;
    this.#state.put("violation", key, { kind, detail });
  }

  all(): readonly Violation[] {
    return [...this.#state.all("violation").values()];
  }
}
