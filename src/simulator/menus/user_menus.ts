/** `/user`: who may log in, with which policies and keys. Read only here. */
import type { BoxParts } from "../box/box_parts.ts";
import type { Menu, Policy } from "../menu.ts";
import type { PrintLayout } from "../printing/layout.ts";
import { readCommands, staticListing } from "./static_list.ts";

const USER_LAYOUT: PrintLayout = {
  properties: [
    { name: "name", form: "quoted" },
    { name: "group", form: "word" },
    { name: "address", form: "quoted" },
  ],
  columns: ["name", "group", "address"],
  flags: [{ letter: "X", property: "disabled", legend: "DISABLED" }],
};

/** The commands of `/user`. */
export function userMenu({ settings }: BoxParts): Menu {
  return readCommands(staticListing(
    USER_LAYOUT,
    "name",
    () => settings.users.map(({ name, group }) => ({ name, group, address: "", disabled: false })),
  ));
}

const GROUP_LAYOUT: PrintLayout = {
  properties: [
    { name: "name", form: "quoted" },
    { name: "policy", form: "word" },
    { name: "skin", form: "word" },
  ],
  columns: ["name", "policy", "skin"],
  flags: [],
};

/** The console's own order of the policies, those included that nothing here asks for. */
const POLICY_ORDER: readonly string[] = [
  "local",
  "telnet",
  "ssh",
  "ftp",
  "reboot",
  "read",
  "write",
  "policy",
  "test",
  "winbox",
  "password",
  "web",
  "sniff",
  "sensitive",
  "api",
  "romon",
  "rest-api",
];

/** The commands of `/user/group`: the groups of the users, each with its policies. */
export function userGroupMenu({ settings }: BoxParts): Menu {
  const groups = new Map(settings.users.map(({ group, policies }) => [group, policies]));
  return readCommands(staticListing(
    GROUP_LAYOUT,
    "name",
    () =>
      [...groups].map(([name, policies]) => ({
        name,
        policy: policyList(policies),
        skin: "default",
      })),
  ));
}

/** Every policy, those that are missing with a `!`: `ssh,read,!write`. */
function policyList(policies: ReadonlySet<Policy>): string {
  const held: ReadonlySet<string> = policies;
  return POLICY_ORDER.map((policy) => held.has(policy) ? policy : `!${policy}`).join(",");
}

const KEYS_LAYOUT: PrintLayout = {
  properties: [
    { name: "user", form: "word" },
    { name: "key-type", form: "word" },
    { name: "bits", form: "word" },
    { name: "info", form: "quoted" },
  ],
  columns: ["user", "bits", "info"],
  flags: [
    { letter: "R", property: "rsa", legend: "RSA" },
    { letter: "E", property: "ed25519", legend: "ED25519" },
  ],
};

/** The commands of `/user/ssh-keys`. */
export function sshKeysMenu({ settings }: BoxParts): Menu {
  return readCommands(staticListing(
    KEYS_LAYOUT,
    "user",
    () =>
      settings.users.flatMap(({ name, publicKeys }) =>
        publicKeys.map((line) => ({ user: name, ...keyFacts(line) }))
      ),
  ));
}

function keyFacts(line: string): Record<string, string | number | boolean> {
  const [algorithm = "", body = "", ...comment] = line.trim().split(/\s+/);
  const isRsa = algorithm === "ssh-rsa";
  return {
    "key-type": isRsa ? "rsa" : "ed25519",
    "bits": isRsa ? rsaBits(body) : 256,
    "info": comment.join(" "),
    "rsa": isRsa,
    "ed25519": !isRsa,
  };
}

/** The length of the modulus: the last of the three strings in an RSA public key. */
function rsaBits(body: string): number {
  const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  let length = 0;
  while (at + 4 <= bytes.length) {
    length = view.getUint32(at);
    at += 4 + length;
  }
  const hasSignByte = bytes[at - length] === 0;
  return 8 * (hasSignByte ? length - 1 : length);
}
