import assert from "node:assert/strict";
import { parseAttachment } from "../../../src/cli/attach.ts";

Deno.test("parseAttachment() takes the directory of a simulator", () => {
  assert.deepEqual(parseAttachment("trial:/var/tmp/rds"), {
    kind: "trial",
    directory: "/var/tmp/rds",
  });
});

const REFUSED: { text: string; says: RegExp }[] = [
  { text: "kernel", says: /--attach is "kernel".*not part of this version/ },
  { text: "trial:", says: /absolute path/ },
  { text: "trial:rds", says: /absolute path/ },
  { text: "nvme", says: /trial:DIRECTORY/ },
  { text: "", says: /trial:DIRECTORY/ },
];

for (const { text, says } of REFUSED) {
  Deno.test(`parseAttachment() refuses "${text}"`, () => {
    assert.throws(() => parseAttachment(text), says);
  });
}
