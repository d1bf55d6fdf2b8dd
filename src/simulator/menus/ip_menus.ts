/** `/ip/service` and `/ip/ssh`, as far as a client over SSH looks at them. */
import type { Menu } from "../menu.ts";
import type { BoxParts } from "../box/box_parts.ts";
import type { Scalar } from "../box/records.ts";
import { textOf } from "../language/text.ts";
import type { PrintLayout } from "../printing/layout.ts";
import {
  booleanArgument,
  numberArgument,
  requiredArgument,
  textArgument,
} from "./argument_values.ts";
import { command, itemsNamed } from "./listing.ts";
import { settingsCommands } from "./settings_menu.ts";
import { readCommands, staticListing } from "./static_list.ts";

const SERVICE_LAYOUT: PrintLayout = {
  properties: [
    { name: "name", form: "quoted" },
    { name: "port", form: "word" },
    { name: "available-from", form: "quoted" },
    { name: "vrf", form: "word" },
    { name: "max-sessions", form: "word" },
  ],
  columns: ["name", "port", "available-from", "vrf", "max-sessions"],
  flags: [{ letter: "X", property: "disabled", legend: "DISABLED" }],
};

const SERVICES: readonly (readonly [string, number, boolean])[] = [
  ["ftp", 21, true],
  ["telnet", 23, true],
  ["www", 80, false],
  ["ssh", 22, false],
  ["api", 8728, true],
  ["winbox", 8291, false],
  ["www-ssl", 443, true],
  ["api-ssl", 8729, true],
];

const MAXIMUM_SESSIONS = 1000;

/** The commands of `/ip/service`; what is set is kept, and nothing listens differently for it. */
export function ipServiceMenu({ state }: BoxParts): Menu {
  const key = (service: string, property: string): string => `service/${service}/${property}`;
  const listing = staticListing(
    SERVICE_LAYOUT,
    "name",
    () =>
      SERVICES.map(([name, port, isDisabled]) => ({
        name,
        "port": state.setting(key(name, "port"), port),
        "available-from": state.setting(key(name, "available-from"), ""),
        "vrf": "main",
        "max-sessions": state.setting(key(name, "max-sessions"), 20),
        "disabled": state.setting(key(name, "disabled"), isDisabled),
      })),
  );
  return {
    ...readCommands(listing),
    set: command((call) => {
      for (const row of itemsNamed(requiredArgument(call, "numbers", 0), listing)) {
        for (const [name, value] of call.named) {
          if (name === "numbers") continue;
          let set: Scalar = textArgument(value);
          if (name === "port") set = numberArgument(name, value, 1, 65535);
          if (name === "max-sessions") set = numberArgument(name, value, 1, MAXIMUM_SESSIONS);
          if (name === "disabled") set = booleanArgument(name, value);
          state.put("setting", key(textOf(row.get("name")), name), set);
        }
      }
      return undefined;
    }, {
      named: ["numbers", "port", "available-from", "max-sessions", "disabled"],
      unnamed: ["numbers"],
      policies: ["write"],
    }),
  };
}

/** The commands of `/ip/ssh`. */
export function ipSshMenu(_parts: BoxParts): Menu {
  return settingsCommands(() => [
    { name: "forwarding-enabled", value: false },
    { name: "ciphers", value: "auto" },
    { name: "host-key-size", value: 2048 },
    { name: "host-key-type", value: "rsa" },
    { name: "password-authentication", value: "yes-if-no-key" },
    { name: "strong-crypto", value: false },
  ]);
}
