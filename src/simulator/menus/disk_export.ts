/** `/disk/export`: the configuration as commands that would make it again. */
import type { BoxParts } from "../box/box_parts.ts";
import { SENSITIVE_DISK_ARGUMENTS } from "../box/disk_properties.ts";
import type { Scalar } from "../box/records.ts";
import type { MenuCommand } from "../menu.ts";
import { timestamp } from "../printing/human.ts";
import { command } from "./listing.ts";

/** The command `export`; `terse` writes the menu on every line, `show-sensitive` adds secrets. */
export function diskExportCommand(parts: BoxParts): MenuCommand {
  return command((call) => {
    const isTerse = call.flags.has("terse");
    const isOpen = call.flags.has("show-sensitive") && call.session.policies.has("sensitive");
    const { version, nowMs } = parts.settings;
    const lines = [`# ${timestamp(nowMs())} by RouterOS ${version}`, "#"];
    if (!isTerse) lines.push("/disk");
    for (const disk of parts.disks.all()) {
      if (disk.configured["type"] === "hardware") continue;
      const pairs = Object.entries(disk.configured)
        .filter(([name]) => isOpen || !SENSITIVE_DISK_ARGUMENTS.has(name))
        .sort(([a], [b]) => a < b ? -1 : 1)
        .map(([name, value]) => `${name}=${quoted(value)}`);
      lines.push(`${isTerse ? "/disk " : ""}add ${pairs.join(" ")}`);
    }
    call.print(`${lines.join("\n")}\n`);
    return undefined;
  }, { flags: ["terse", "show-sensitive", "verbose", "compact"] });
}

function quoted(value: Scalar): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = String(value);
  if (/^[A-Za-z0-9._:/-]+$/.test(text)) return text;
  return `"${text.replace(/["\\$]/g, "\\$&")}"`;
}
