/** `/log`: what the box did, oldest first. */
import type { Menu } from "../menu.ts";
import type { BoxParts } from "../box/box_parts.ts";
import { timestamp } from "../printing/human.ts";
import type { PrintLayout } from "../printing/layout.ts";
import { readCommands, staticListing } from "./static_list.ts";

const LOG_LAYOUT: PrintLayout = {
  properties: [
    { name: "time", form: "word" },
    { name: "topics", form: "word" },
    { name: "message", form: "quoted" },
  ],
  columns: ["time", "topics", "message"],
  flags: [],
};

/** The commands of `/log`. */
export function logMenu({ log }: BoxParts): Menu {
  return readCommands(
    staticListing(LOG_LAYOUT, "message", () =>
      log.entries().map(({ timeMs, topics, message }) => ({
        time: timestamp(timeMs),
        topics,
        message,
      }))),
  );
}
