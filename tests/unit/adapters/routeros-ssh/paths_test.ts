/** Paths: one form, whatever the box shows. */
import assert from "node:assert/strict";
import {
  backingFileOf,
  diskPathOf,
  fileNameOf,
  idOfFile,
  poolOf,
} from "../../../../src/adapters/routeros-ssh/paths.ts";
import { snapshotIdOf } from "../../../../src/domain/snapshot_id.ts";
import { volumeIdForName } from "../../../../src/domain/volume_id.ts";

const ID = volumeIdForName("v");

Deno.test("a path with and without a leading slash is the same file", () => {
  assert.equal(fileNameOf("/pool/k8s/x.img"), fileNameOf("pool/k8s/x.img"));
  assert.equal(diskPathOf(fileNameOf("/pool/x.img")), "/pool/x.img");
  assert.equal(backingFileOf("/pool/k8s", ID), `pool/k8s/${ID}.img`);
  assert.equal(poolOf("/pool/k8s"), "pool");
});

Deno.test("idOfFile() reads what backingFileOf() wrote, and nothing else", () => {
  const snapshot = snapshotIdOf(ID, 1_763_690_000);
  for (const id of [ID, snapshot]) assert.equal(idOfFile(backingFileOf("/pool/k8s", id)), id);
  const others = [`pool/${ID}`, `pool/${ID}.img.bak`, `pool/x${ID}.img`, "pool/x.img", ""];
  for (const path of others) assert.equal(idOfFile(path), undefined);
});
