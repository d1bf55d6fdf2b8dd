/** Menus that are one item: `print`, `get`, and perhaps `set`. */
import { mapOf, type Value } from "../language/values.ts";
import { type MenuCommand, RouterOsError } from "../menu.ts";
import { plain, type PropertyForm } from "../printing/layout.ts";
import { nameBlock } from "../printing/lines.ts";
import { argumentOf, textArgument } from "./argument_values.ts";
import { command } from "./listing.ts";

/** One property of the menu: its value, and its form in `print` where that differs. */
export interface SettingRow {
  readonly name: string;
  readonly value: Value;
  readonly form?: PropertyForm;
}

/** `print` and `get` of a menu that is one item. */
export function settingsCommands(
  rows: () => readonly SettingRow[],
): { readonly print: MenuCommand; readonly get: MenuCommand } {
  const asMap = (): Value => mapOf(rows().map(({ name, value }) => [name, value]));
  return {
    print: command((call) => {
      if (call.flags.has("as-value")) return asMap();
      call.print(nameBlock(
        rows().map(({ name, value, form }) => [name, plain(value, form ?? "word")]),
      ));
      return undefined;
    }, { flags: ["as-value", "without-paging"] }),
    get: command((call) => {
      const name = argumentOf(call, "value-name", 0);
      if (name === undefined) return asMap();
      const row = rows().find((one) => one.name === textArgument(name));
      if (row === undefined) {
        throw new RouterOsError("input does not match any value of value-name");
      }
      return row.value;
    }, { named: ["value-name"], unnamed: ["value-name"] }),
  };
}
