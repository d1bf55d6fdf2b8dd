/** `/disk/monitor-traffic`: counters and rates of a disk, once or until the client leaves. */
import { setTimeout as delay } from "node:timers/promises";
import type { BoxParts } from "../box/box_parts.ts";
import { slotOf } from "../box/disk_record.ts";
import type { DiskRecord } from "../box/records.ts";
import type { Traffic } from "../box/traffic.ts";
import { arrayOf, mapOf, type Value } from "../language/values.ts";
import { type MenuCall, type MenuCommand, RouterOsError } from "../menu.ts";
import { bitRate, groupedDigits } from "../printing/human.ts";
import { nameBlock } from "../printing/lines.ts";
import { argumentOf, requiredArgument } from "./argument_values.ts";
import { disksNamed } from "./disk_listing.ts";
import { command } from "./listing.ts";

const REPAINT_MS = 1000;

/** What a terminal needs to paint over the last block. */
const CURSOR_HOME = "\u001b[H\u001b[J";

type CounterForm = "count" | "rate" | "time";

/** The command `monitor-traffic`. */
export function monitorTrafficCommand(parts: BoxParts): MenuCommand {
  return command((call) => {
    const disks = disksNamed(parts, requiredArgument(call, "numbers", 0));
    if (disks.length === 0) throw new RouterOsError("no such item");
    const isOnce = call.flags.has("once") || argumentOf(call, "once") !== undefined;
    if (call.flags.has("as-value")) {
      return arrayOf(disks.map((disk) => mapOf(values(parts, disk))));
    }
    if (isOnce) {
      paint(parts, call, disks);
      return undefined;
    }
    return repaint(parts, call, disks);
  }, {
    named: ["numbers", "interval", "duration"],
    unnamed: ["numbers"],
    flags: ["once", "as-value"],
    policies: ["read", "test"],
  });
}

/** Paints every second, as a terminal would show it, until the channel is closed. */
async function repaint(
  parts: BoxParts,
  call: MenuCall,
  disks: readonly DiskRecord[],
): Promise<Value> {
  const { signal } = call;
  if (signal === undefined) throw new RouterOsError("interrupted");
  while (!signal.aborted) {
    paint(parts, call, disks);
    call.print(CURSOR_HOME);
    await delay(REPAINT_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  throw new RouterOsError("interrupted");
}

function paint(parts: BoxParts, call: MenuCall, disks: readonly DiskRecord[]): void {
  for (const disk of disks) {
    const forms = new Map<string, CounterForm>(counters(parts, disk).map(([n, f]) => [n, f]));
    const pairs = values(parts, disk).map(([name, value]): readonly [string, string] => {
      const form = forms.get(name);
      if (form === "rate") return [name, bitRate(Number(value))];
      if (form === "time") return [name, `${value}ms`];
      return [name, typeof value === "number" ? groupedDigits(value) : String(value)];
    });
    const width = Math.max(...pairs.map(([, text]) => text.length));
    call.print(nameBlock(pairs.map(([name, text]) => [name, text.padStart(width)])));
  }
}

function values(parts: BoxParts, disk: DiskRecord): [string, Value][] {
  return [
    ["slot", slotOf(disk)],
    ...counters(parts, disk).map(([name, _form, value]): [string, Value] => [name, value]),
  ];
}

function counters(parts: BoxParts, disk: DiskRecord): [string, CounterForm, number][] {
  const total: Traffic = parts.traffic.totalOf(disk.id);
  const rate: Traffic = parts.traffic.perSecondOf(disk.id);
  return [
    ["read-ops", "count", total.readOps],
    ["read-ops-per-second", "count", rate.readOps],
    ["read-bytes", "count", total.readBytes],
    ["read-rate", "rate", 8 * rate.readBytes],
    ["read-merges", "count", 0],
    ["read-time", "time", 0],
    ["write-ops", "count", total.writeOps],
    ["write-ops-per-second", "count", rate.writeOps],
    ["write-bytes", "count", total.writeBytes],
    ["write-rate", "rate", 8 * rate.writeBytes],
    ["write-merges", "count", 0],
    ["write-time", "time", 0],
    ["in-flight-ops", "count", 0],
    ["active-time", "time", 0],
    ["wait-time", "time", 0],
    ["discard-ops", "count", 0],
    ["discard-bytes", "count", 0],
    ["discard-merges", "count", 0],
    ["discard-time", "time", 0],
    ["flush-ops", "count", total.flushOps],
    ["flush-time", "time", 0],
  ];
}
