/** Time, as the application sees it. */
export interface Clock {
  /** Milliseconds since 1970, for what people and other machines compare. */
  wallMs(): number;
  /** Milliseconds that only grow, for durations. */
  monotonicMs(): number;
  /** Waits; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}
