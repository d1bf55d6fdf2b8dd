/** `/disk/settings`: what the box does with new disks by itself. */
import type { Menu } from "../menu.ts";
import type { BoxParts } from "../box/box_parts.ts";
import type { Scalar } from "../box/records.ts";
import { booleanArgument, textArgument } from "./argument_values.ts";
import { command } from "./listing.ts";
import { settingsCommands } from "./settings_menu.ts";

const DEFAULTS: Readonly<Record<string, Scalar>> = {
  "auto-media-interface": "none",
  "auto-media-sharing": true,
  "auto-smb-sharing": true,
  "auto-smb-user": "guest",
  "default-mount-point-template": "[slot]",
};

/** The commands of `/disk/settings`. */
export function diskSettingsMenu({ state }: BoxParts): Menu {
  const key = (name: string): string => `disk-settings/${name}`;
  return {
    ...settingsCommands(() =>
      Object.entries(DEFAULTS).map(([name, value]) => ({
        name,
        value: state.setting<Scalar>(key(name), value),
      }))
    ),
    set: command((call) => {
      for (const [name, value] of call.named) {
        const isBoolean = typeof DEFAULTS[name] === "boolean";
        const set = isBoolean ? booleanArgument(name, value) : textArgument(value);
        state.put("setting", key(name), set);
      }
      return undefined;
    }, { named: Object.keys(DEFAULTS), policies: ["write"] }),
  };
}
