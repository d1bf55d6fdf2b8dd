/** From the sizes a CSI request names to the size of a volume, in bytes. */
import { StorageError } from "./errors.ts";

/** Bytes in one mebibyte; every volume is a whole number of them. */
export const MIB: number = 1024 ** 2;
/** Bytes in one gibibyte. */
export const GIB: number = 1024 ** 3;
/** Bytes in one tebibyte. */
export const TIB: number = 1024 ** 4;

/** The smallest volume we make. */
export const CAPACITY_BYTES_MIN: number = GIB;
/** The largest volume we make. */
export const CAPACITY_BYTES_MAX: number = 16 * TIB;

/** A CSI `CapacityRange`: zero means "not said". */
export interface CapacityRange {
  readonly requiredBytes: number;
  readonly limitBytes: number;
}

/**
 * The size of a volume that satisfies `range` and holds at least `contentBytes`: the smallest
 * possible, rounded up to 1 MiB.
 * @throws {StorageError} `out-of-range` when no allowed size lies in the range; `invalid` when the
 * range contradicts itself or is negative.
 */
export function capacityFor(range: CapacityRange, contentBytes = 0): number {
  const { requiredBytes, limitBytes } = range;
  checkRange(range);
  const least = Math.max(requiredBytes, contentBytes, CAPACITY_BYTES_MIN);
  const capacityBytes = Math.ceil(least / MIB) * MIB;
  if (capacityBytes > CAPACITY_BYTES_MAX) {
    throw new StorageError(
      "out-of-range",
      `Cannot make a volume of ${capacityBytes} bytes: the most is ${CAPACITY_BYTES_MAX}`,
    );
  }
  if (limitBytes > 0 && capacityBytes > limitBytes) {
    throw new StorageError(
      "out-of-range",
      `Cannot stay within limit_bytes ${limitBytes}: the volume needs ${capacityBytes} bytes` +
        ` (at least 1 GiB, its content, and whole MiB)`,
    );
  }
  return capacityBytes;
}

/** Whether a volume of `capacityBytes` satisfies `range`. */
export function satisfies(capacityBytes: number, range: CapacityRange): boolean {
  const { requiredBytes, limitBytes } = range;
  return capacityBytes >= requiredBytes && (limitBytes === 0 || capacityBytes <= limitBytes);
}

function checkRange({ requiredBytes, limitBytes }: CapacityRange): void {
  for (const bytes of [requiredBytes, limitBytes]) {
    if (Number.isSafeInteger(bytes) && bytes >= 0) continue;
    throw new StorageError("invalid", `Cannot use a capacity of ${bytes} bytes`);
  }
  if (limitBytes > 0 && requiredBytes > limitBytes) {
    throw new StorageError(
      "invalid",
      `Cannot use a capacity range: required_bytes ${requiredBytes} is above limit_bytes ${limitBytes}`,
    );
  }
}
