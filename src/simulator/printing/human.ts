/** Numbers as the console shows them to people. */

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const RATE_UNITS = ["bps", "kbps", "Mbps", "Gbps", "Tbps"] as const;

/** A unit is used from five of it upwards: 1 GiB is `1024.0MiB`, 5 GiB is `5.0GiB`. */
const UNITS_BEFORE_NEXT = 5;

/** Bytes with one decimal in the unit the console picks; below 5 KiB the bare number. */
export function humanBytes(bytes: number): string {
  let text = String(bytes);
  let unitBytes = 1;
  for (const unit of UNITS) {
    unitBytes *= 1024;
    if (bytes < UNITS_BEFORE_NEXT * unitBytes) break;
    text = `${(bytes / unitBytes).toFixed(1)}${unit}`;
  }
  return text;
}

/** Digits in groups of three with a blank between: `53 687 091 200`. */
export function groupedDigits(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}

/** A rate in bits per second with decimal prefixes: `0bps`, `12.8Mbps`. */
export function bitRate(bitsPerSecond: number): string {
  let value = bitsPerSecond;
  let at = 0;
  while (value >= 1000 && at < RATE_UNITS.length - 1) {
    value /= 1000;
    at += 1;
  }
  const text = Number.isInteger(value) ? String(value) : value.toFixed(1);
  return `${text}${RATE_UNITS[at] ?? ""}`;
}

/** A duration in the form `print` uses: `2d5h16m3s`; values of scripts use the clock form. */
export function suffixDuration(milliseconds: number): string {
  let seconds = Math.floor(milliseconds / 1000);
  let text = "";
  for (const [letter, length] of [["w", 604800], ["d", 86400], ["h", 3600], ["m", 60]] as const) {
    const count = Math.floor(seconds / length);
    if (count > 0) text += `${count}${letter}`;
    seconds -= count * length;
  }
  return seconds > 0 || text === "" ? `${text}${seconds}s` : text;
}

/** A time of day as the console shows it since 7.10: `2025-11-11 14:32:41`. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replace("T", " ");
}
