/** The end of what a process writes. */
import assert from "node:assert/strict";
import { Tail } from "../../../../src/adapters/children/tail.ts";

function streamOf(...texts: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(texts.map((text) => new TextEncoder().encode(text)));
}

const CASES: { name: string; texts: string[]; kept: string }[] = [
  { name: "nothing of nothing", texts: [], kept: "" },
  { name: "everything that fits", texts: ["ab", "cde", "fghij"], kept: "abcdefghij" },
  { name: "the end of several pieces", texts: ["abc", "defg", "hijkl"], kept: "cdefghijkl" },
  {
    name: "the end of one large piece",
    texts: ["x".repeat(1000) + "0123456789"],
    kept: "0123456789",
  },
  { name: "the last pieces of many", texts: Array.from("abcdefghijklmnop"), kept: "ghijklmnop" },
];

for (const { name, texts, kept } of CASES) {
  Deno.test(`Tail keeps ${name}`, async () => {
    const tail = new Tail(streamOf(...texts), 10);
    await tail.ended;
    assert.equal(tail.text(), kept);
  });
}

Deno.test("Tail has what came before a stream broke, and ends with it", async () => {
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("half")),
    pull: (controller) => controller.error(new Error("broken")),
  });
  const tail = new Tail(broken, 10);
  await tail.ended;
  assert.ok("half".startsWith(tail.text()));
});

Deno.test("Tail lets go of a stream that never ends", async () => {
  const tail = new Tail(new ReadableStream<Uint8Array>(), 10);
  await tail.stop();
  await tail.ended;
});
