/**
 * The values of the RouterOS console language, as the simulator holds them.
 *
 * A `number` is RouterOS's `num` (64-bit there; we stay within 2^53). `undefined` is `nothing`:
 * what a missing key, an undefined variable or a command without a result gives.
 */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | string
  | TimeValue
  | IpValue
  | IdValue
  | ArrayValue;

/** A duration; prints as `01:30:15` or `1w3d15:41:57`. */
export interface TimeValue {
  readonly type: "time";
  readonly milliseconds: number;
}

/** An address or prefix literal, kept as its text. */
export interface IpValue {
  readonly type: "ip" | "ip-prefix";
  readonly text: string;
}

/** The internal id of an item, for example `*2B`. */
export interface IdValue {
  readonly type: "id";
  readonly text: string;
}

/** An array: values in order, and values by key; RouterOS allows both in one. */
export interface ArrayValue {
  readonly type: "array";
  readonly items: Value[];
  readonly entries: Map<string, Value>;
}

/** An array of plain values. */
export function arrayOf(items: readonly Value[]): ArrayValue {
  return { type: "array", items: [...items], entries: new Map() };
}

/** A map, RouterOS's array with keys; the order of the entries is kept. */
export function mapOf(entries: Iterable<readonly [string, Value]>): ArrayValue {
  return { type: "array", items: [], entries: new Map(entries) };
}
