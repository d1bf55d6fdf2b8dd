/** `/disk/copy`: blocks of one disk onto another. Its exact meaning is not documented. */
import type { BoxParts } from "../box/box_parts.ts";
import { diskSizeBytes } from "../box/disk_record.ts";
import type { DiskRecord } from "../box/records.ts";
import { arrayOf, mapOf, type Value } from "../language/values.ts";
import { type MenuCall, type MenuCommand, RouterOsError } from "../menu.ts";
import { nameBlock } from "../printing/lines.ts";
import { argumentOf, requiredArgument, sizeArgument } from "./argument_values.ts";
import { disksNamed } from "./disk_listing.ts";
import { command } from "./listing.ts";

const CHUNK_BYTES = 1024 ** 2;

/** The command `copy`; it is done when it returns. */
export function diskCopyCommand(parts: BoxParts): MenuCommand {
  return command((call) => {
    const source = onlyDisk(parts, requiredArgument(call, "src"), "src");
    const target = onlyDisk(parts, requiredArgument(call, "dst"), "dst");
    copyBlocks(parts, call, source, target);
    if (call.flags.has("as-value")) return arrayOf([mapOf([["status", "done"]])]);
    call.print(nameBlock([["status", "done"]]));
    return undefined;
  }, {
    named: ["src", "dst", "src-offset", "dst-offset", "size", "interval", "duration"],
    flags: ["once", "as-value"],
    policies: ["read", "write"],
  });
}

function onlyDisk(parts: BoxParts, value: Value, name: string): DiskRecord {
  const disks = disksNamed(parts, value);
  const disk = disks[0];
  if (disk === undefined || disks.length > 1 || disk.backing === undefined) {
    throw new RouterOsError(`invalid value for argument ${name}`);
  }
  return disk;
}

function copyBlocks(
  parts: BoxParts,
  call: MenuCall,
  source: DiskRecord,
  target: DiskRecord,
): void {
  const from = source.backing ?? "";
  const to = target.backing ?? "";
  const sourceOffset = sizeArgument("src-offset", argumentOf(call, "src-offset") ?? 0);
  const targetOffset = sizeArgument("dst-offset", argumentOf(call, "dst-offset") ?? 0);
  const wanted = argumentOf(call, "size");
  const available = Math.max(0, diskSizeBytes(source) - sourceOffset);
  const bytes = wanted === undefined ? available : sizeArgument("size", wanted);
  if (bytes > available || targetOffset + bytes > diskSizeBytes(target)) {
    throw new RouterOsError("value of size out of range");
  }
  const sourceStart = Number(source.configured["file-offset"] ?? 0) + sourceOffset;
  const targetStart = Number(target.configured["file-offset"] ?? 0) + targetOffset;
  if (from === to) throw new RouterOsError("invalid value for argument dst");
  if (sourceStart === 0 && targetStart === 0 && bytes === source.sizeBytes) {
    // The file keeps its inode, so whoever has it open sees the new blocks.
    parts.backing.copy(from, to, "full");
    parts.backing.resize(to, target.sizeBytes);
    return;
  }
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    const chunk = parts.backing.read(from, sourceStart + at, Math.min(CHUNK_BYTES, bytes - at));
    parts.backing.write(to, targetStart + at, chunk);
  }
}
