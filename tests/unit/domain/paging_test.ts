import assert from "node:assert/strict";
import fc from "fast-check";
import { base64url, utf8 } from "../../../src/domain/digest.ts";
import { comparePageKeys, pageOf } from "../../../src/domain/paging.ts";
import type { Page, PageKey } from "../../../src/domain/paging.ts";

const self = (key: PageKey): PageKey => key;

function page(
  items: readonly PageKey[],
  entriesMax: number,
  startingToken = "",
  filter = "",
): Page<PageKey> {
  return pageOf(items, self, { entriesMax, startingToken, filter });
}

/** Keys with few different times, so that the id has to decide often. */
const keys = fc.uniqueArray(
  fc.record({
    createdAtMs: fc.integer({ min: 0, max: 5 }),
    id: fc.stringMatching(/^[a-z0-9-]{1,6}$/),
  }),
  { selector: ({ id }) => id, maxLength: 30 },
);

Deno.test("pages hold every item once, in order, and no more than asked", () => {
  fc.assert(fc.property(keys, fc.integer({ min: 1, max: 7 }), (items, entriesMax) => {
    const seen: PageKey[] = [];
    let token = "";
    do {
      const { items: some, nextToken } = page(items, entriesMax, token);
      assert.ok(some.length <= entriesMax);
      seen.push(...some);
      token = nextToken;
    } while (token !== "");
    assert.deepEqual(seen, [...items].sort(comparePageKeys));
  }));
});

Deno.test("what is inserted or deleted between pages neither repeats nor hides what stays", () => {
  const change = fc.record({ added: keys, removeEvery: fc.integer({ min: 1, max: 4 }) });
  const changes = fc.array(change, { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(keys, changes, (start, turns) => {
    let items: PageKey[] = [...start];
    const survivors = new Set(start.map(({ id }) => id));
    const seen: PageKey[] = [];
    let token = "";
    for (let turn = 0;; turn++) {
      const { items: some, nextToken } = page(items, 2, token);
      seen.push(...some);
      if (nextToken === "") break;
      token = nextToken;
      const { added, removeEvery } = turns[turn % turns.length] ?? { added: [], removeEvery: 1 };
      if (turn < turns.length) {
        const kept = items.filter((_, index) => (index + turn) % (removeEvery + 1) !== 0);
        for (const { id } of items) if (!kept.some((key) => key.id === id)) survivors.delete(id);
        // An id that once was there never comes back: ids are not used twice at one time.
        const known = new Set([...items, ...seen, ...start].map(({ id }) => id));
        items = [...kept, ...added.filter(({ id }) => !known.has(id))];
      }
    }
    const ids = seen.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of survivors) assert.ok(ids.includes(id), id);
  }));
});

Deno.test("no limit gives everything, and nothing gives an empty last page", () => {
  const items = [{ createdAtMs: 2, id: "a" }, { createdAtMs: 1, id: "b" }];
  assert.deepEqual(page(items, 0), { items: [items[1], items[0]], nextToken: "" });
  assert.deepEqual(page([], 5), { items: [], nextToken: "" });
  assert.equal(page(items, 2).nextToken, "");
});

Deno.test("a token holds for its filter only", () => {
  const items = [{ createdAtMs: 1, id: "a" }, { createdAtMs: 2, id: "b" }];
  const { nextToken } = page(items, 1, "", "one");
  assert.equal(page(items, 1, nextToken, "one").items.length, 1);
  assert.throws(() => page(items, 1, nextToken, "two"), { code: "stale-token" });
});

Deno.test("a token survives the deletion of the item it was made at", () => {
  const items = ["a", "b", "c"].map((id) => ({ createdAtMs: 1, id }));
  const { nextToken } = page(items, 2);
  assert.deepEqual(page([{ createdAtMs: 1, id: "c" }], 2, nextToken).items.map(({ id }) => id), [
    "c",
  ]);
});

Deno.test("a token that is none of ours is refused with stale-token", () => {
  const forged = ["v1|1|a", "v2|1|a|x", "v1|-1|a|x", "v1|1|a|wrong", `v1|1|${"a".repeat(600)}|x`];
  for (const token of ["invalid-token", "%%%", ...forged.map((text) => base64url(utf8(text)))]) {
    assert.throws(() => page([], 0, token), { code: "stale-token" }, token);
  }
});

Deno.test("any text as a token is refused or taken, and never a crash", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (token) => {
    try {
      page([], 0, token);
    } catch (error) {
      assert.ok(error instanceof Error && error.name === "StorageError");
    }
  }));
});

Deno.test("a negative limit is refused with invalid", () => {
  for (const entriesMax of [-1, 0.5, NaN]) {
    assert.throws(() => page([], entriesMax), { code: "invalid" });
  }
});
