/** The console of a box whose exports are the kernel's: a command ends when the kernel is done. */
import type { MenuCommand, MenuTree } from "../menu.ts";
import type { Exporter } from "./exporter.ts";

/**
 * The same menus; a command that changes an export ends when the kernel has followed. The next
 * command of the line then finds sessions ended or files free, as on a box.
 */
export function exportingTree(tree: MenuTree, exporter: Exporter): MenuTree {
  return {
    ...tree,
    command: (path, name) => {
      const command = tree.command(path, name);
      return command === undefined ? undefined : withKernel(command, exporter);
    },
  };
}

function withKernel(command: MenuCommand, exporter: Exporter): MenuCommand {
  return {
    ...command,
    run: (call) => {
      const value = command.run(call);
      if (!(value instanceof Promise) && !exporter.isBusy) return value;
      return settle(value, exporter);
    },
  };
}

async function settle<T>(value: T | Promise<T>, exporter: Exporter): Promise<T> {
  const settled = await value;
  await exporter.settled();
  return settled;
}
