/**
 * Command lines that make file systems which older kernels can mount, too: a volume moves between
 * nodes, and a feature that the next kernel does not know keeps it from being mounted there. Pure,
 * but for asking the tools what they know.
 */
import type { FileSystemType } from "../../domain/access.ts";
import type { Programs } from "../../ports/programs.ts";
import { PLAIN_MS } from "./deadlines.ts";

/** What is made. */
export interface MakeRequest {
  readonly fileSystem: FileSystemType;
  readonly uuid: string;
  readonly devicePath: string;
  /** From the StorageClass, each as one text, for example `-m 1`. */
  readonly options: readonly string[];
  /** Whether remains of an interrupted format are to be written over. */
  readonly isForced: boolean;
}

/** What the installed tool knows. */
export interface ToolFeatures {
  /** Features of ext4 to leave out, as `-O` names them. */
  readonly extLeftOut: readonly string[];
  /** Arguments that leave features of xfs out. */
  readonly xfsLeftOut: readonly string[];
}

/** What older kernels lack, and mke2fs 1.N knows; newer ones turn it on. */
const EXT_FEATURES: readonly { readonly name: string; readonly sinceMinor: number }[] = [
  { name: "metadata_csum_seed", sinceMinor: 43 },
  { name: "orphan_file", sinceMinor: 47 },
];
/** In the words of mkfs.xfs: flag, and the keys that newer versions turn on. */
const XFS_FEATURES: readonly { readonly flag: string; readonly key: string }[] = [
  { flag: "-i", key: "nrext64" },
  { flag: "-i", key: "exchange" },
  { flag: "-n", key: "parent" },
];

/** The name of the tool and its arguments. Nothing of it discards: that can take minutes. */
export function makeCommand(
  { fileSystem, uuid, devicePath, options, isForced }: MakeRequest,
  { extLeftOut, xfsLeftOut }: ToolFeatures,
): { readonly program: string; readonly args: readonly string[] } {
  const given = options.flatMap((option) => option.split(" "));
  switch (fileSystem) {
    case "ext4":
    case "ext3": {
      const features = fileSystem === "ext4" ? extLeftOut.map((name) => `^${name}`) : [];
      const { others, merged } = mergeFeatures(given, features);
      const args = [
        "-q",
        ...(isForced ? ["-F"] : []),
        "-U",
        uuid,
        "-E",
        "nodiscard",
        ...merged,
        ...others,
        devicePath,
      ];
      return { program: `mkfs.${fileSystem}`, args };
    }
    case "xfs": {
      const force = isForced ? ["-f"] : [];
      const args = ["-q", ...force, "-K", "-m", `uuid=${uuid}`, ...xfsLeftOut, ...given];
      return { program: "mkfs.xfs", args: [...args, devicePath] };
    }
    case "btrfs": {
      const force = isForced ? ["-f"] : [];
      return {
        program: "mkfs.btrfs",
        args: ["-q", ...force, "-K", "-U", uuid, ...given, devicePath],
      };
    }
  }
}

/** Asks the installed tool what it knows. A tool that is missing is found out when it is run. */
export async function askTool(
  programs: Programs,
  fileSystem: FileSystemType,
  signal: AbortSignal,
): Promise<ToolFeatures> {
  const none = { extLeftOut: [], xfsLeftOut: [] };
  const ask = async (program: string, args: readonly string[]): Promise<string> => {
    const call = { program, args, deadlineMs: PLAIN_MS, subject: program };
    const { stdout, stderr } = await programs.run(call, signal);
    return `${stdout}\n${stderr}`;
  };
  switch (fileSystem) {
    case "ext4":
      return { ...none, extLeftOut: extFeaturesOf(await ask("mkfs.ext4", ["-V"])) };
    case "xfs":
      // Without a device it prints its usage, which names every key that it knows.
      return { ...none, xfsLeftOut: xfsArgumentsOf(await ask("mkfs.xfs", [])) };
    case "ext3":
    case "btrfs":
      return none;
  }
}

/** What to leave out, by what `mkfs.ext4 -V` says. */
export function extFeaturesOf(text: string): string[] {
  const minor = Number(/mke2fs 1\.(\d+)/.exec(text)?.[1] ?? 0);
  return EXT_FEATURES.filter(({ sinceMinor }) => minor >= sinceMinor).map(({ name }) => name);
}

/** Arguments that leave features out, by what the usage of mkfs.xfs says. */
export function xfsArgumentsOf(usage: string): string[] {
  return XFS_FEATURES.filter(({ key }) => new RegExp(`\\b${key}=0`).test(usage))
    .flatMap(({ flag, key }) => [flag, `${key}=0`]);
}

/** mke2fs keeps only the last `-O`, so ours and those given become one; what is given wins. */
function mergeFeatures(
  given: readonly string[],
  features: readonly string[],
): { readonly others: readonly string[]; readonly merged: readonly string[] } {
  const others: string[] = [];
  const all = [...features];
  for (let index = 0; index < given.length; index++) {
    const argument = given[index] ?? "";
    if (argument === "-O") all.push(given[++index] ?? "");
    else others.push(argument);
  }
  return { others, merged: all.length === 0 ? [] : ["-O", all.join(",")] };
}
