/** Something happens to the box between two statements of one line: what no client could time. */
import { ConsoleInterrupted } from "../../../src/simulator/language/failures.ts";
import type { Value } from "../../../src/simulator/language/values.ts";
import type { MenuCall, Row } from "../../../src/simulator/menu.ts";
import type { Simulator } from "../../../src/simulator/simulator.ts";

/** Called in place of every command, as `/disk/add`; `run` runs the command. */
export type Around = (
  word: string,
  call: MenuCall,
  run: (call: MenuCall) => Value | Promise<Value>,
) => Value | Promise<Value>;

/** Puts `around` between the console and the menus until it is disposed of. */
export function interpose({ box: { tree } }: Simulator, around: Around): Disposable {
  const find = tree.command.bind(tree);
  tree.command = (path, name) => {
    const command = find(path, name);
    if (command === undefined) return undefined;
    const word = `/${[...path, name].join("/")}`;
    return { ...command, run: (call) => around(word, call, (given) => command.run(given)) };
  };
  return { [Symbol.dispose]: () => void (tree.command = find) };
}

const CHANGES: ReadonlySet<string> = new Set([
  ...["/disk/add", "/disk/set", "/disk/remove"],
  ...["/file/add", "/file/copy", "/file/set", "/file/remove"],
]);

/** Whether the console word changes what is on the box. */
export function isChange(word: string): boolean {
  return CHANGES.has(word);
}

/** A power cut right after the change number `at`, counted from 1. `struck` tells what it was. */
export function cutAfter(simulator: Simulator, at: number): Disposable & { struck(): string } {
  let seen = 0;
  let struck = "";
  const around: Around = async (word, call, run) => {
    const value = await run(call);
    if (!isChange(word) || ++seen !== at) return value;
    struck = word;
    // Not waited for: it ends every command, and this is one.
    void simulator.reboot(0);
    throw new ConsoleInterrupted();
  };
  return { ...interpose(simulator, around), struck: () => struck };
}

/**
 * The pool is not mounted any more, from the `from`-th command on: neither it nor a file on it is
 * to be seen; the disks that lie on it stay in the list.
 */
export function losePool(simulator: Simulator, pool: string, from = 1): Disposable {
  let seen = 0;
  const isLost = (row: Row): boolean => {
    return row.get("mount-point") === pool || `${row.get("name")}/`.startsWith(`${pool}/`);
  };
  return interpose(simulator, (_word, call, run) => {
    if (++seen < from) return run(call);
    return run({ ...call, where: (row) => !isLost(row) && call.where(row) });
  });
}
