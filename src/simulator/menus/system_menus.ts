/** `/system`: resource, identity, health, package. */
import type { Menu } from "../menu.ts";
import type { BoxParts } from "../box/box_parts.ts";
import { FLASH_MOUNT } from "../box/file_table.ts";
import type { Value } from "../language/values.ts";
import type { PrintLayout } from "../printing/layout.ts";
import { requiredArgument, textArgument } from "./argument_values.ts";
import { command } from "./listing.ts";
import { settingsCommands } from "./settings_menu.ts";
import { readCommands, staticListing } from "./static_list.ts";

const MEMORY_BYTES = 34_359_738_368;
const USED_MEMORY_BYTES = 1_503_238_553;
const BYTES_PER_DISK = 262_144;

/** The commands of `/system/resource`; its disk space is that of the flash, not of the pool. */
export function resourceMenu({ settings, files, disks, bootedMs }: BoxParts): Menu {
  return settingsCommands(() => {
    const uptime: Value = { type: "time", milliseconds: settings.nowMs() - bootedMs() };
    const count = [...disks.all()].length;
    return [
      { name: "uptime", value: uptime, form: "duration" },
      { name: "version", value: `${settings.version} (stable)` },
      { name: "build-time", value: "2026-09-14 08:21:07" },
      {
        name: "free-memory",
        value: MEMORY_BYTES - USED_MEMORY_BYTES - count * BYTES_PER_DISK,
        form: "human",
      },
      { name: "total-memory", value: MEMORY_BYTES, form: "human" },
      { name: "cpu", value: "ARM64" },
      { name: "cpu-count", value: 16 },
      { name: "cpu-frequency", value: 2000 },
      { name: "cpu-load", value: 1 },
      { name: "free-hdd-space", value: files.freeBytes("flash"), form: "human" },
      { name: "total-hdd-space", value: FLASH_MOUNT.sizeBytes, form: "human" },
      { name: "architecture-name", value: "arm64" },
      { name: "board-name", value: "RDS2216-2XG-4S+4XS-2XQ" },
      { name: "platform", value: "MikroTik" },
    ];
  });
}

/** The commands of `/system/identity`. */
export function identityMenu({ state }: BoxParts): Menu {
  return {
    ...settingsCommands(
      () => [{ name: "name", value: state.setting("identity", "rds-simulator") }],
    ),
    set: command((call) => {
      state.put("setting", "identity", textArgument(requiredArgument(call, "name")));
      return undefined;
    }, { named: ["name"], policies: ["write"] }),
  };
}

const HEALTH_LAYOUT: PrintLayout = {
  properties: ["name", "value", "type"].map((name) => ({ name, form: "word" })),
  columns: ["name", "value", "type"],
  flags: [],
};

/** The commands of `/system/health`: readings of a box at rest. */
export function healthMenu(): Menu {
  const readings: readonly (readonly [string, number | string, string])[] = [
    ["cpu-temperature", 46, "C"],
    ["board-temperature1", 31, "C"],
    ["fan1-speed", 3840, "RPM"],
    ["fan2-speed", 3810, "RPM"],
    ["psu1-state", "ok", ""],
    ["psu2-state", "ok", ""],
  ];
  return readCommands(staticListing(
    HEALTH_LAYOUT,
    "name",
    () => readings.map(([name, value, type]) => ({ name, value, type })),
  ));
}

const PACKAGE_LAYOUT: PrintLayout = {
  properties: [
    { name: "name", form: "quoted" },
    { name: "version", form: "quoted" },
    { name: "build-time", form: "word" },
    { name: "size", form: "human" },
  ],
  columns: ["name", "version", "build-time", "size"],
  flags: [{ letter: "X", property: "disabled", legend: "DISABLED" }],
};

/** The commands of `/system/package`. */
export function packageMenu({ settings }: BoxParts): Menu {
  const packages = [{ name: "routeros", size: 14_680_064 }];
  if (settings.storagePackage) packages.unshift({ name: "rose-storage", size: 3_250_585 });
  return readCommands(staticListing(
    PACKAGE_LAYOUT,
    "name",
    () =>
      packages.map(({ name, size }) => ({
        name,
        size,
        "version": settings.version,
        "build-time": "2026-09-14 08:21:07",
        "disabled": false,
      })),
  ));
}
