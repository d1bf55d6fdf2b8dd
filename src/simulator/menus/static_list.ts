/** Short lists made of options and settings: users, services, packages, log. */
import type { Value } from "../language/values.ts";
import type { MenuCommand, Row } from "../menu.ts";
import type { PrintLayout } from "../printing/layout.ts";
import { findCommand, getCommand, type Listing, printCommand, rowByWalking } from "./listing.ts";

/** The listing of rows given as plain properties; ids are numbered in order. */
export function staticListing(
  layout: PrintLayout,
  key: string,
  items: () => Iterable<Readonly<Record<string, Value>>>,
): Listing {
  const rows = function* (): Iterable<Row> {
    let number = 1;
    for (const item of items()) {
      const id: Value = { type: "id", text: `*${number.toString(16).toUpperCase()}` };
      const entries = Object.entries(item).filter(([, value]) => value !== undefined)
        .sort(([a], [b]) => a < b ? -1 : 1);
      yield new Map<string, Value>([[".id", id], ...entries]);
      number += 1;
    }
  };
  return { layout, key, rows, rowOf: rowByWalking(rows, key) };
}

/** `print`, `find` and `get` of a listing. */
export function readCommands(
  listing: Listing,
): { readonly print: MenuCommand; readonly find: MenuCommand; readonly get: MenuCommand } {
  return {
    print: printCommand(listing),
    find: findCommand(listing),
    get: getCommand(listing),
  };
}
