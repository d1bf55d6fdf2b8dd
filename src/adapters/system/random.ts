/** Randomness from the machine. */
import type { Random } from "../../ports/random.ts";

/** For jitter; not for secrets. */
export const systemRandom: Random = () => Math.random();
