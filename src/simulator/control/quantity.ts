const UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["K", 2 ** 10],
  ["M", 2 ** 20],
  ["G", 2 ** 30],
  ["T", 2 ** 40],
  ["P", 2 ** 50],
]);

/**
 * The bytes that a text such as `7680G`, `7.5TiB` or `1024` stands for; the units are powers of
 * 1024. Undefined when it is no such text or more than can be counted exactly.
 */
export function parseBytes(text: string): number | undefined {
  const groups = /^(?<amount>\d+(?:\.\d+)?)\s*(?<unit>[KMGTP]?)(?:i?B)?$/i.exec(text)?.groups;
  const unit = UNITS.get((groups?.["unit"] ?? "").toUpperCase());
  if (groups === undefined || unit === undefined) return undefined;
  const bytes = Math.round(Number(groups["amount"]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
