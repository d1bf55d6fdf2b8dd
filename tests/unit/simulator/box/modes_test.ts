import assert from "node:assert/strict";
import { WORDINGS } from "../../../../src/simulator/box/wordings.ts";
import { aBox, addDisk, call, diskIn, failure, freeBytes, hasFile } from "./console.ts";

const GIB = 1024 ** 3;
const LONG_SLOT = "pvc-01234567-89ab-cdef-0123-456789abcdef";

Deno.test("a slot above the limit is refused, or cut, or taken, as the box is set", async () => {
  await using rejecting = await aBox({ slotLimit: 32 });
  const named = { "type": "file", "slot": LONG_SLOT, "file-path": "storage-pool/x.img" };
  assert.equal(
    failure(rejecting, "disk/add", { named: { ...named, "file-size": 4096 } }),
    WORDINGS.plain.slotTooLong,
  );
  assert.equal(hasFile(rejecting, "storage-pool/x.img"), false);
  await using truncating = await aBox({ slotLimit: 32, slotTooLong: "truncate" });
  addDisk(truncating, LONG_SLOT);
  assert.ok(diskIn(truncating, LONG_SLOT.slice(0, 32)));
  await using unlimited = await aBox({ slotLimit: undefined });
  addDisk(unlimited, LONG_SLOT);
  assert.ok(diskIn(unlimited, LONG_SLOT));
});

Deno.test("a comment above the limit is refused", async () => {
  await using box = await aBox({ commentLimit: 10 });
  addDisk(box, "a");
  const parts = { unnamed: ["a"], named: { comment: "eleven char" } };
  assert.equal(failure(box, "disk/comment", parts), WORDINGS.plain.commentTooLong);
});

for (const wordings of ["plain", "alternate"] as const) {
  Deno.test(`a box with ${wordings} wordings refuses with texts of that set`, async () => {
    await using box = await aBox({ wordings });
    const words = WORDINGS[wordings];
    addDisk(box, "a");
    const file = (more: Record<string, string>): { named: Record<string, string> } => ({
      named: { "type": "file", "slot": "b", "file-path": "storage-pool/b.img", ...more },
    });
    assert.equal(failure(box, "disk/add", file({ "file-size": "900T" })), words.noSpace);
    assert.equal(
      failure(box, "disk/add", file({ "slot": "a", "file-size": "1M" })),
      words.slotExists,
    );
    assert.equal(failure(box, "disk/add", file({})), words.fileMissing);
    assert.equal(
      failure(box, "disk/add", file({ "file-path": "storage-pool/no/b.img", "file-size": "1M" })),
      words.directoryMissing,
    );
    assert.equal(failure(box, "disk/remove", { unnamed: ["storage-pool"] }), words.inUse);
    assert.equal(
      failure(box, "file/add", { named: { name: "storage-pool/a.img" } }),
      words.fileExists,
    );
    const shrink = { unnamed: ["a"], named: { "file-size": "512M" } };
    assert.equal(failure(box, "disk/set", shrink), words.shrinkRefused);
  });
}

Deno.test("remove keeps the backing file, or deletes it, as the box is set", async () => {
  for (const removeKeepsFile of [true, false]) {
    await using box = await aBox({ removeKeepsFile });
    const before = freeBytes(box);
    addDisk(box, "a");
    call(box, "disk/remove", { unnamed: ["a"] });
    assert.equal(diskIn(box, "a"), undefined);
    assert.equal(hasFile(box, "storage-pool/a.img"), removeKeepsFile);
    assert.equal(freeBytes(box), removeKeepsFile ? before - GIB : before);
  }
});

Deno.test("set with a smaller size truncates on a box that is set so", async () => {
  await using box = await aBox({ shrink: "truncate" });
  const before = freeBytes(box);
  addDisk(box, "a");
  call(box, "disk/set", { unnamed: ["a"], named: { "file-size": "512M" } });
  assert.equal(diskIn(box, "a")?.["size"], GIB / 2);
  assert.equal(freeBytes(box), before - GIB / 2);
});

for (const identity of ["stable", "changing"] as const) {
  Deno.test(`a ${identity} identity over re-export and reboot`, async () => {
    await using box = await aBox({ identity });
    const identities = new Set<string>();
    const note = (): unknown =>
      identities.add(String(box.exports().find(({ slot }) => slot === "a")?.namespaceUuid));
    addDisk(box, "a", { "nvme-tcp-export": true });
    note();
    call(box, "disk/set", { unnamed: ["a"], named: { comment: "no re-export" } });
    note();
    assert.equal(identities.size, 1);
    call(box, "disk/set", { unnamed: ["a"], named: { "nvme-tcp-export": false } });
    call(box, "disk/set", { unnamed: ["a"], named: { "nvme-tcp-export": true } });
    note();
    box.reboot();
    note();
    assert.equal(identities.size, identity === "stable" ? 1 : 3);
  });
}

Deno.test("ids change on reboot when the box is set so, and slots never", async () => {
  for (const idsChangeOnReboot of [false, true]) {
    await using box = await aBox({ idsChangeOnReboot });
    addDisk(box, "a");
    const before = diskIn(box, "a")?.[".id"];
    box.reboot();
    assert.equal(diskIn(box, "a")?.[".id"] !== before, idsChangeOnReboot);
  }
});

Deno.test("a free limit makes a box full for new files until it is taken away", async () => {
  await using box = await aBox();
  box.setFreeLimit(1.5 * GIB);
  addDisk(box, "a");
  assert.equal(freeBytes(box), GIB / 2);
  assert.equal(
    failure(box, "disk/add", {
      named: { "type": "file", "slot": "b", "file-path": "storage-pool/b", "file-size": "1G" },
    }),
    WORDINGS.plain.noSpace,
  );
  assert.equal(diskIn(box, "b"), undefined);
  box.setFreeLimit(undefined);
  addDisk(box, "b");
});
