/**
 * When staging a volume keeps failing for a reason that needs a person, trying again at the
 * caller's pace only wears the array and the log. After some failures in a row attempts are
 * refused for a while, each time longer.
 */

/** Failures in a row, as they are kept in the volume's record. */
export interface Trouble {
  /** The last one, for people. */
  readonly reason: string;
  readonly count: number;
  /** Milliseconds since 1970: before it no attempt is made. */
  readonly retryAtMs: number;
}

/** As many failures in a row as are let through at the caller's pace. */
export const FAILURES_MAX = 5;

const PAUSE_MS_MIN = 60_000;
const PAUSE_MS_MAX = 30 * 60_000;
const REASON_LENGTH_MAX = 500;

/**
 * The trouble after one more failure.
 * @param nowMs milliseconds since 1970
 */
export function afterFailure(
  trouble: Trouble | undefined,
  reason: string,
  nowMs: number,
): Trouble {
  const count = (trouble?.count ?? 0) + 1;
  return {
    reason: reason.slice(0, REASON_LENGTH_MAX),
    count,
    retryAtMs: nowMs + pauseMsAfter(count),
  };
}

/**
 * Whether an attempt has to be refused now. A time further away than any pause comes from a clock
 * that was set back since, and refuses nothing.
 */
export function isOpen(trouble: Trouble | undefined, nowMs: number): boolean {
  if (trouble === undefined || trouble.count < FAILURES_MAX) return false;
  const leftMs = trouble.retryAtMs - nowMs;
  return leftMs > 0 && leftMs <= PAUSE_MS_MAX;
}

/** Why an attempt is refused, until when, and what a person can do; for {@link isOpen}. */
export function refusalOf({ reason, count, retryAtMs }: Trouble, volumeId: string): string {
  const at = new Date(retryAtMs).toISOString();
  return `it failed ${count} times in a row and is not tried again before ${at}; the last time: ` +
    `${reason}. After a repair: rds-csi node reset-breaker ${volumeId}`;
}

/** From the failure that opens the breaker on: 1 min, doubled each time, at most 30. */
function pauseMsAfter(count: number): number {
  if (count < FAILURES_MAX) return 0;
  return Math.min(PAUSE_MS_MIN * 2 ** Math.min(count - FAILURES_MAX, 16), PAUSE_MS_MAX);
}
