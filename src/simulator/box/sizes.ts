/** Sizes as the box reads them. Its suffixes are binary: `1G` is 1,073,741,824 bytes. */

const FACTOR_OF: Readonly<Record<string, number>> = {
  "": 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
  P: 1024 ** 5,
};

/** The bytes that a typed size means (`1073741824`, `10G`, `1.5T`), or undefined. */
export function parseSizeBytes(typed: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([KMGTP]?)(?:i?B)?$/i.exec(typed);
  if (match === null) return undefined;
  const factor = FACTOR_OF[(match[2] ?? "").toUpperCase()];
  if (factor === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
