/** A number in [0, 1), for jitter. Tests pass a fixed sequence. */
export type Random = () => number;
