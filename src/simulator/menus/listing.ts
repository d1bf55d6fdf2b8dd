/** The commands that every list of items has: print, find, get. */
import { textOf } from "../language/text.ts";
import { arrayOf, mapOf, type Value } from "../language/values.ts";
import { type MenuCall, type MenuCommand, type Policy, RouterOsError, type Row } from "../menu.ts";
import { printDetail } from "../printing/detail.ts";
import type { PrintedRow, PrintLayout } from "../printing/layout.ts";
import { printTerse, printValueList } from "../printing/lines.ts";
import { printTable } from "../printing/table.ts";
import {
  argumentOf,
  isArray,
  requiredArgument,
  textArgument,
  wordList,
} from "./argument_values.ts";

/** A list of items as its menu shows it. */
export interface Listing {
  readonly layout: PrintLayout;
  /** The property that names an item in commands: `slot`, `name`. */
  readonly key: string;
  /** All rows, in the order of the menu. */
  readonly rows: (call: MenuCall) => Iterable<Row>;
  /** The row of an item that was named by id or by its key; undefined when there is none. */
  readonly rowOf: (word: string) => Row | undefined;
  /** Whether no two items have the same key, so that a condition on it needs no walk. */
  readonly hasUniqueKey?: boolean;
  /** Properties with a value on request only, such as the contents of a file. */
  readonly extra?: (row: Row, property: string) => Value;
  /** More names that `print` accepts. */
  readonly printNames?: readonly string[];
  readonly printFlags?: readonly string[];
}

const READ: readonly Policy[] = ["read"];

const PRINT_FLAGS: readonly string[] = [
  "detail",
  "terse",
  "value-list",
  "as-value",
  "count-only",
  "show-ids",
  "brief",
  "without-paging",
];

/** A command; what is not given is not accepted. */
export function command(
  run: MenuCommand["run"],
  accepts: Partial<Omit<MenuCommand, "run" | "named" | "flags">> & {
    readonly named?: Iterable<string>;
    readonly flags?: Iterable<string>;
  } = {},
): MenuCommand {
  return {
    unnamed: [],
    where: false,
    policies: READ,
    ...accepts,
    named: new Set(accepts.named ?? []),
    flags: new Set(accepts.flags ?? []),
    run,
  };
}

/** The names of all properties that a listing's rows can have. */
export function propertyNames(layout: PrintLayout): ReadonlySet<string> {
  return new Set([
    ".id",
    "comment",
    ...layout.properties.map(({ name }) => name),
    ...layout.flags.map(({ property }) => property),
  ]);
}

/** The rows that a call's `where` lets pass, when nobody asks for their numbers. */
function* matching(call: MenuCall, listing: Listing): Iterable<Row> {
  const key = call.equal?.get(".id") ??
    (listing.hasUniqueKey === true ? call.equal?.get(listing.key) : undefined);
  if (key === undefined) {
    for (const row of listing.rows(call)) {
      if (call.where(row)) yield row;
    }
    return;
  }
  const row = listing.rowOf(textOf(key));
  if (row !== undefined && call.where(row)) yield row;
}

/** The rows that a call's `where` lets pass, with their numbers in the whole menu. */
function matchingRows(call: MenuCall, listing: Listing): PrintedRow[] {
  const found: PrintedRow[] = [];
  let index = 0;
  for (const row of listing.rows(call)) {
    if (call.where(row)) found.push({ index, row });
    index += 1;
  }
  return found;
}

/** `print` in all its forms. In `[…]`, `as-value` and `count-only` are its value. */
export function printCommand(listing: Listing): MenuCommand {
  return command((call) => {
    const isForScripts = call.flags.has("as-value") || call.flags.has("count-only");
    const rows = selectedRows(call, listing, !isForScripts);
    const layout = narrowedLayout(call, listing.layout);
    if (call.flags.has("as-value")) {
      return arrayOf(rows.map(({ row }) => mapOf(asValue(row, layout, listing.layout))));
    }
    if (call.flags.has("count-only")) {
      if (call.isSubstituted !== true) call.print(`${rows.length}\n`);
      return rows.length;
    }
    call.print(printed(call, rows, layout));
    return undefined;
  }, {
    named: ["proplist", "from", ...listing.printNames ?? []],
    flags: [...PRINT_FLAGS, ...listing.printFlags ?? []],
    unnamed: ["from"],
    where: true,
    properties: propertyNames(listing.layout),
  });
}

function printed(call: MenuCall, rows: readonly PrintedRow[], layout: PrintLayout): string {
  const showsIds = call.flags.has("show-ids");
  if (call.flags.has("terse")) return printTerse(rows, layout, showsIds);
  if (call.flags.has("value-list")) return printValueList(rows, layout);
  if (call.flags.has("detail")) {
    return printDetail(rows, layout, { width: call.session.width, showsIds });
  }
  return printTable(rows, layout, { columns: layout.columns, showsIds });
}

function selectedRows(call: MenuCall, listing: Listing, isNumbered: boolean): PrintedRow[] {
  const from = argumentOf(call, "from", 0);
  const rows = isNumbered
    ? matchingRows(call, listing)
    : [...matching(call, listing)].map((row) => ({ index: 0, row }));
  if (from === undefined) return rows;
  const ids = new Set(itemsNamed(from, listing).map((row) => textOf(row.get(".id"))));
  return rows.filter(({ row }) => ids.has(textOf(row.get(".id"))));
}

function narrowedLayout(call: MenuCall, layout: PrintLayout): PrintLayout {
  const list = argumentOf(call, "proplist");
  if (list === undefined) return layout;
  const names = wordList(list);
  const known = propertyNames(layout);
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new RouterOsError("input does not match any value of proplist");
  }
  const chosen = names.map((name) =>
    layout.properties.find((one) => one.name === name) ?? { name, form: "word" as const }
  ).filter(({ name }) => name !== ".id");
  return { ...layout, properties: chosen, columns: chosen.map(({ name }) => name) };
}

/** What scripts get of a row: raw values; a flag that is not set is absent. */
function* asValue(row: Row, layout: PrintLayout, full: PrintLayout): Iterable<[string, Value]> {
  const isNarrowed = layout !== full;
  for (const [name, value] of row) {
    if (isNarrowed && name !== ".id" && !layout.columns.includes(name)) continue;
    if (value === false && isOnlyFlag(name, full)) continue;
    yield [name, value];
  }
}

function isOnlyFlag(name: string, layout: PrintLayout): boolean {
  return layout.flags.some(({ property }) => property === name) &&
    !layout.properties.some((property) => property.name === name);
}

/** `find`: the ids of matching items, in an array that is empty when there are none. */
export function findCommand(listing: Listing): MenuCommand {
  return command(
    (call) => arrayOf([...matching(call, listing)].map((row) => row.get(".id"))),
    { where: true, properties: propertyNames(listing.layout) },
  );
}

/** `get`: one property of an item, or all of them as a map. */
export function getCommand(listing: Listing): MenuCommand {
  return command((call) => {
    const items = itemsNamed(requiredArgument(call, "number", 0), listing);
    const row = items[0];
    if (row === undefined || items.length > 1) throw new RouterOsError("no such item");
    const property = argumentOf(call, "value-name", 1);
    if (property === undefined) return mapOf(asValue(row, listing.layout, listing.layout));
    return valueNamed(row, textArgument(property), listing);
  }, { named: ["number", "value-name"], unnamed: ["number", "value-name"] });
}

function valueNamed(row: Row, name: string, listing: Listing): Value {
  const extra = listing.extra?.(row, name);
  if (extra !== undefined) return extra;
  if (!propertyNames(listing.layout).has(name)) {
    throw new RouterOsError("input does not match any value of value-name");
  }
  return row.get(name);
}

/**
 * The rows of the items that a value names: an id, a name, or an array of these as `find` gives.
 * An empty array names none, which is no error. Numbers from a print are not known here: every
 * exec channel is a session of its own.
 * @throws {RouterOsError} `no such item` for an id or name that is not there.
 */
export function itemsNamed(value: Value, listing: Pick<Listing, "rowOf">): Row[] {
  const words = isArray(value)
    ? value.items.map(textArgument)
    : textArgument(value).split(",").filter((word) => word !== "");
  return words.map((word) => {
    const row = listing.rowOf(word);
    if (row === undefined) throw new RouterOsError("no such item");
    return row;
  });
}

/** Looking an item up by walking over the rows; for short menus. */
export function rowByWalking(
  rows: () => Iterable<Row>,
  key: string,
): (word: string) => Row | undefined {
  return (word) => {
    for (const row of rows()) {
      if (textOf(row.get(".id")) === word || textOf(row.get(key)) === word) return row;
    }
    return undefined;
  };
}
