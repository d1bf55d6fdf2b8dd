/** How a call to something in memory is answered. */
import { settle } from "./settle.ts";

/** Does `work` after a turn; what it throws, and an abort of `signal`, become a rejection. */
export async function answer<Result>(signal: AbortSignal, work: () => Result): Promise<Result> {
  await settle(signal);
  return work();
}
