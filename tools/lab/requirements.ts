/** What this machine must have to run the laboratory. */
import { hasHostProgram } from "./host_program.ts";

/** The programs, each with the Debian package that has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "busybox": "busybox-static",
  "modprobe": "kmod",
  "depmod": "kmod",
  "cpio": "cpio",
  "socat": "socat",
  "xz": "xz-utils",
  "ip": "iproute2",
  "perl": "perl",
  "apt-get": "apt",
  "setpriv": "util-linux",
  "mkfs.ext4": "e2fsprogs",
  "mkfs.xfs": "xfsprogs",
  "mkfs.btrfs": "btrfs-progs",
};

/** Why the laboratory cannot run on this machine; undefined when nothing is missing. */
export async function whatIsMissing(): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    return `it needs Linux on x86_64, and this is ${Deno.build.os} on ${Deno.build.arch}`;
  }
  if (Deno.uid() !== 0) return `it needs root, and this is user ${Deno.uid()}`;
  const names = Object.keys(PROGRAMS);
  const found = await Promise.all(names.map((name) => hasHostProgram(name)));
  const missing = names.filter((_, index) => !found[index]);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((name) => PROGRAMS[name]))];
  return `there is no ${missing.join(", ")}: apt-get install --no-install-recommends ${
    packages.join(" ")
  }`;
}
