/**
 * Paging through lists that change meanwhile: pages follow a key, not a position, so what is
 * inserted or deleted between two pages neither repeats nor hides what stays.
 */
import { base64url, fromBase64url, sha256Of, utf8 } from "./digest.ts";
import { StorageError } from "./errors.ts";

/** What a listing is ordered by: creation time, then id. */
export interface PageKey {
  readonly createdAtMs: number;
  readonly id: string;
}

/** One page of a listing; `nextToken` is empty on the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextToken: string;
}

/** A request for one page. */
export interface PageRequest {
  /** At most so many items; 0 = no limit. */
  readonly entriesMax: number;
  /** The token of the page before; empty = from the start. */
  readonly startingToken: string;
  /** What the list is narrowed by, in words; a token holds for one filter only. */
  readonly filter: string;
}

/** The order of every listing. */
export function comparePageKeys(left: PageKey, right: PageKey): number {
  if (left.createdAtMs !== right.createdAtMs) return left.createdAtMs - right.createdAtMs;
  return left.id < right.id ? -1 : Number(left.id > right.id);
}

/**
 * The page of `items` that `request` asks for.
 * @throws {StorageError} `stale-token` when the token is not one of this listing; `invalid` when
 * the limit is negative.
 */
export function pageOf<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => PageKey,
  request: PageRequest,
): Page<Item> {
  if (!Number.isInteger(request.entriesMax) || request.entriesMax < 0) {
    throw new StorageError("invalid", `Cannot list at most ${request.entriesMax} entries`);
  }
  const after = request.startingToken === "" ? undefined : parseToken(request);
  const rest = items
    .filter((item) => after === undefined || comparePageKeys(keyOf(item), after) > 0)
    .sort((left, right) => comparePageKeys(keyOf(left), keyOf(right)));
  const limit = request.entriesMax === 0 ? rest.length : request.entriesMax;
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const isCut = rest.length > limit && last !== undefined;
  return { items: page, nextToken: isCut ? renderToken(keyOf(last), request.filter) : "" };
}

function renderToken({ createdAtMs, id }: PageKey, filter: string): string {
  return base64url(utf8(`v1|${createdAtMs}|${id}|${filterDigest(filter)}`));
}

function parseToken({ startingToken, filter }: PageRequest): PageKey {
  const bytes = fromBase64url(startingToken) ?? new Uint8Array();
  const text = String.fromCharCode(...bytes.subarray(0, 512));
  const match = /^v1\|(\d{1,16})\|([A-Za-z0-9-]{1,128})\|([A-Za-z0-9_-]+)$/.exec(text);
  if (match === null || match[3] !== filterDigest(filter)) {
    throw new StorageError(
      "stale-token",
      `Cannot continue the list: "${startingToken}" is not a token of this list; start again without`,
    );
  }
  return { createdAtMs: Number(match[1]), id: match[2] ?? "" };
}

function filterDigest(filter: string): string {
  return base64url(sha256Of(filter).subarray(0, 6));
}
