/** All menus of a box, by version and packages. */
import type { BoxParts } from "../box/box_parts.ts";
import { isAtLeast, SINCE } from "../box/versions.ts";
import { WORDINGS } from "../box/wordings.ts";
import type { Menu, MenuCommand, MenuTree } from "../menu.ts";
import { btrfsFileSystemMenu, btrfsSubvolumeMenu } from "./btrfs_menus.ts";
import { diskMenu } from "./disk_menu.ts";
import { diskSettingsMenu } from "./disk_settings_menu.ts";
import { fileMenu } from "./file_menu.ts";
import { ipServiceMenu, ipSshMenu } from "./ip_menus.ts";
import { withHostLimits } from "./host_limits.ts";
import { logMenu } from "./log_menu.ts";
import { healthMenu, identityMenu, packageMenu, resourceMenu } from "./system_menus.ts";
import { sshKeysMenu, userGroupMenu, userMenu } from "./user_menus.ts";

/** The menus that this box has. */
export function boxMenuTree(parts: BoxParts): MenuTree {
  const { version, storagePackage } = parts.settings;
  const menus: Record<string, Menu> = {
    "disk": diskMenu(parts),
    "disk/settings": diskSettingsMenu(parts),
    "file": fileMenu(parts),
    "system/resource": resourceMenu(parts),
    "system/identity": identityMenu(parts),
    "system/health": healthMenu(),
    "system/package": packageMenu(parts),
    "user": userMenu(parts),
    "user/group": userGroupMenu(parts),
    "user/ssh-keys": sshKeysMenu(parts),
    "ip/service": ipServiceMenu(parts),
    "ip/ssh": ipSshMenu(parts),
    "log": logMenu(parts),
  };
  if (storagePackage && isAtLeast(version, SINCE.btrfsFileSystem)) {
    menus["disk/btrfs/filesystem"] = btrfsFileSystemMenu(parts);
  }
  if (storagePackage && isAtLeast(version, SINCE.btrfsSubvolume)) {
    menus["disk/btrfs/subvolume"] = btrfsSubvolumeMenu(parts);
  }
  const tree = treeOf(menus);
  const words = WORDINGS[parts.settings.wordings];
  return {
    ...tree,
    command: (path, name) => {
      const command = tree.command(path, name);
      return command === undefined ? undefined : withHostLimits(command, words);
    },
  };
}

/** A tree of menus given by path with slashes; the menus above them exist, too. */
export function treeOf(menus: Readonly<Record<string, Menu>>): MenuTree {
  const commands = new Map<string, ReadonlyMap<string, MenuCommand>>([["", new Map()]]);
  const words = new Map<string, Set<string>>([["", new Set()]]);
  for (const [path, menu] of Object.entries(menus)) {
    const parts = path.split("/");
    parts.forEach((word, at) => {
      const above = parts.slice(0, at).join("/");
      words.set(above, (words.get(above) ?? new Set()).add(word));
      const here = parts.slice(0, at + 1).join("/");
      if (!commands.has(here)) commands.set(here, new Map());
    });
    commands.set(path, new Map(Object.entries(menu)));
    words.set(path, new Set([...words.get(path) ?? [], ...Object.keys(menu)]));
  }
  return {
    hasMenu: (path) => commands.has(path.join("/")),
    command: (path, name) => commands.get(path.join("/"))?.get(name),
    words: (path) => [...words.get(path.join("/")) ?? []],
  };
}
