/** A small box for the tests of the language: `/disk` with a few rows, and records of its calls. */
import {
  type MenuCall,
  type MenuCommand,
  type MenuTree,
  type Policy,
  RouterOsError,
  type Row,
  type Session,
} from "../../../../src/simulator/menu.ts";
import { runLine, type RunOptions } from "../../../../src/simulator/language/console.ts";
import { textOf } from "../../../../src/simulator/language/text.ts";
import { arrayOf, mapOf, type Value } from "../../../../src/simulator/language/values.ts";

/** What the fake menus saw. */
export interface Calls {
  readonly names: string[];
  readonly calls: MenuCall[];
  /** How many rows a condition was asked about. */
  rowsTried: number;
}

/** The fake box. */
export interface FakeMenus {
  readonly tree: MenuTree;
  readonly seen: Calls;
}

/** A row of the fake `/disk`; its id is made of its number. */
export function rowOf(number: number, properties: Readonly<Record<string, Value>>): Row {
  const id: Value = { type: "id", text: `*${number.toString(16).toUpperCase()}` };
  return new Map<string, Value>([[".id", id], ...Object.entries(properties)]);
}

/** Rows that differ in what tests of conditions need. */
export const ROWS: readonly Row[] = [
  rowOf(1, { slot: "raid1", type: "raid", size: 1000, mounted: true }),
  rowOf(0x2b, { slot: "csi-a", type: "file", size: 100, "nvme-tcp-export": true }),
  rowOf(0x2c, { slot: "csi-b", type: "file", size: 200, disabled: true }),
];

/** Makes a fake box over the rows; `asynchronous` lets its reads answer later. */
export function fakeMenus(
  rows: readonly Row[] = ROWS,
  options: { asynchronous?: boolean; properties?: ReadonlySet<string> } = {},
): FakeMenus {
  const seen: Calls = { names: [], calls: [], rowsTried: 0 };
  const commands = diskCommands(rows, seen, options.properties);
  const recorded = new Map<string, MenuCommand>();
  for (const [name, command] of Object.entries(commands)) {
    recorded.set(name, {
      ...command,
      run: (call) => {
        seen.names.push(name);
        seen.calls.push(call);
        const run = (): Value | Promise<Value> => command.run(call);
        return options.asynchronous === true ? Promise.resolve().then(run) : run();
      },
    });
  }
  return { seen, tree: treeOf(recorded) };
}

function treeOf(disk: ReadonlyMap<string, MenuCommand>): MenuTree {
  return {
    hasMenu: (path) => ["disk", "disk/btrfs", "file"].includes(path.join("/")),
    command: (path, name) => path.join("/") === "disk" ? disk.get(name) : undefined,
    words: (path) =>
      path.length === 0 ? ["disk", "file"] : path[0] === "disk" ? ["btrfs", ...disk.keys()] : [],
  };
}

function diskCommands(
  rows: readonly Row[],
  seen: Calls,
  properties: ReadonlySet<string> | undefined,
): Readonly<Record<string, MenuCommand>> {
  const matching = (call: MenuCall): Row[] => {
    const id = call.equal?.get(".id");
    const candidates = id === undefined ? rows : rows.filter((row) => isId(row, id));
    return candidates.filter((row) => {
      seen.rowsTried += 1;
      return call.where(row);
    });
  };
  const filtered = { where: true, ...(properties === undefined ? {} : { properties }) };
  return {
    find: command({
      ...filtered,
      run: (call) => arrayOf(matching(call).map((row) => row.get(".id"))),
    }),
    print: command({
      ...filtered,
      named: new Set(["proplist", "from"]),
      flags: new Set(["detail", "terse", "as-value", "count-only"]),
      run: (call) => printRows(call, matching(call)),
    }),
    get: command({
      unnamed: ["number", "value-name"],
      run: ({ unnamed: [number, property] }) => {
        const row = rows.find((one) => isId(one, number) || one.get("slot") === number);
        if (row === undefined) throw new RouterOsError("no such item");
        return property === undefined ? mapOf(row) : row.get(textOf(property));
      },
    }),
    add: command({
      named: new Set(["slot", "type", "file-size", "file-path", "comment"]),
      policies: ["write"],
      run: (call) => {
        if (call.named.get("slot") === "raid1") {
          throw new RouterOsError("failure: already have such slot");
        }
        return { type: "id", text: "*2D" };
      },
    }),
    set: command({
      named: new Set(["numbers", "slot", "comment", "file-size"]),
      unnamed: ["numbers"],
      policies: ["write"],
    }),
    remove: command({ unnamed: ["numbers"], policies: ["write"] }),
    hang: command({ run: () => new Promise<Value>(() => {}) }),
  };
}

function isId(row: Row, id: Value): boolean {
  return textOf(row.get(".id")) === textOf(id);
}

function printRows(call: MenuCall, rows: readonly Row[]): Value {
  if (call.flags.has("as-value")) return arrayOf(rows.map((row) => mapOf(row)));
  if (call.flags.has("count-only")) call.print(`${rows.length}\n`);
  else for (const row of rows) call.print(`${textOf(row.get("slot"))}\n`);
  return undefined;
}

function command(parts: Partial<MenuCommand>): MenuCommand {
  return {
    named: new Set(),
    flags: new Set(),
    unnamed: [],
    where: false,
    policies: ["read"],
    run: () => undefined,
    ...parts,
  };
}

/** A session with the given policies. */
export function sessionWith(...policies: Policy[]): Session {
  return { user: "admin", policies: new Set(policies), width: 80 };
}

/** Runs a line as a user with all rights, and gives all it printed. */
export async function outputOf(
  line: string,
  menus: FakeMenus = fakeMenus(),
  options: Partial<RunOptions> = {},
): Promise<string> {
  let output = "";
  const print = (text: string): void => {
    output += text;
  };
  await runLine(line, menus.tree, sessionWith("read", "write"), { print, ...options });
  return output;
}

/** A line and what it prints, without the last line end. */
export type Case = readonly [line: string, output: string];

/** One test per case. */
export function testLines(cases: readonly Case[]): void {
  for (const [line, expected] of cases) {
    Deno.test(`the console answers ${JSON.stringify(line)} with ${JSON.stringify(expected)}`, async () => {
      const output = await outputOf(line);
      assertEqual(output, expected === "" ? "" : `${expected}\n`);
    });
  }
}

function assertEqual(actual: string, expected: string): void {
  if (actual !== expected) {
    throw new Error(`printed ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}
