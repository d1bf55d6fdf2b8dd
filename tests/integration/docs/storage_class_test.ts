/** The page on StorageClasses says what the parsers accept, refuse and take by default. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { FILE_SYSTEM_TYPES } from "../../../src/domain/access.ts";
import { DEFAULT_RECONNECT_POLICY, RECONNECT_KEYS } from "../../../src/domain/reconnect_policy.ts";
import { checkSnapshotParameters } from "../../../src/domain/snapshot_parameters.ts";
import {
  parseMutableParameters,
  parseVolumeParameters,
} from "../../../src/domain/volume_parameters.ts";
import { blocksOf, codeWords, rowsOf, section } from "./page.ts";

const PAGE = "reference/storage-class.md";

function isAccepted(key: string, value: string): boolean {
  try {
    // A finite ctrlLossTmo is judged beside the delay; the shortest delay leaves it most room.
    const beside = key === "ctrlLossTmo" ? { reconnectDelay: "1" } : {};
    parseVolumeParameters({ ...beside, [key]: value });
    return true;
  } catch {
    return false;
  }
}

/** The keys that the parser accepts, from its refusal of one that it does not. */
function acceptedKeys(): string[] {
  try {
    parseVolumeParameters({ "no-such-key": "" });
  } catch (error) {
    return /allowed is (.*)$/.exec(String(error))?.[1]?.split(", ") ?? [];
  }
  return [];
}

Deno.test("storage-class.md has every parameter, in the order of the code", async () => {
  const keys = rowsOf(await section(PAGE, "Parameters")).map(([key = ""]) => codeWords(key)[0]);
  assert.deepEqual(keys, acceptedKeys());
});

Deno.test("storage-class.md has the default of every parameter", async () => {
  const { reconnect: _none, ...plain } = parseVolumeParameters({});
  const defaults: Record<string, unknown> = { ...plain, ...DEFAULT_RECONNECT_POLICY };
  for (const [key = "", , shown = ""] of rowsOf(await section(PAGE, "Parameters"))) {
    const value = defaults[codeWords(key)[0] ?? ""];
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
    assert.equal(shown, isEmpty ? "" : `\`${value}\``, key);
  }
});

Deno.test("storage-class.md says which numbers and words are allowed", async () => {
  for (const [cell = "", allowed = ""] of rowsOf(await section(PAGE, "Parameters"))) {
    const [key = ""] = codeWords(cell);
    const [, least, most] = /(\d+) to (\d+)$/.exec(allowed) ?? [];
    if (least !== undefined && most !== undefined) {
      // Two seconds are the least ctrlLossTmo that can be twice a reconnectDelay.
      const lowest = key === "ctrlLossTmo" ? 2 : Number(least);
      for (const value of [lowest, Number(most)]) assert.ok(isAccepted(key, `${value}`), key);
      for (const value of [Number(least) - 1, Number(most) + 1]) {
        assert.ok(!isAccepted(key, `${value}`), `${key} ${value}`);
      }
    }
    const words = codeWords(allowed);
    if (key === "mkfsOptions") continue;
    for (const word of words) assert.ok(isAccepted(key, word), `${key} ${word}`);
    if (words.length > 0) assert.ok(!isAccepted(key, "no-such-word"), key);
  }
});

Deno.test("storage-class.md names exactly the mkfs options that are accepted", async () => {
  const rows = rowsOf(await section(PAGE, "Parameters"));
  const allowed = rows.find(([key]) => key === "`mkfsOptions`")?.[1] ?? "";
  const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  const values = ["1", "4096", "256", "1024", "name"];
  const accepted = letters.map((letter) => `-${letter}`).filter((flag) =>
    values.some((value) => isAccepted("mkfsOptions", `${flag} ${value}`))
  );
  assert.deepEqual(codeWords(allowed).toSorted(), accepted.toSorted());
});

Deno.test("storage-class.md names the file systems, the default first", async () => {
  const words = codeWords(await section(PAGE, "Parameters"));
  const at = words.indexOf("csi.storage.k8s.io/fstype");
  assert.deepEqual(words.slice(at + 1, at + 1 + FILE_SYSTEM_TYPES.length), FILE_SYSTEM_TYPES);
});

Deno.test("storage-class.md has the aliases", async () => {
  const rows = rowsOf(await section(PAGE, "Aliases"));
  assert.equal(rows.length, 2);
  for (const row of rows) {
    const [alias = "", key = ""] = row.map((cell) => codeWords(cell)[0] ?? "");
    const value = "/pool/one";
    const text = isAccepted(key, value) ? value : "192.0.2.1";
    assert.deepEqual(
      parseVolumeParameters({ [alias]: text }),
      parseVolumeParameters({ [key]: text }),
    );
    assert.throws(() => parseVolumeParameters({ [alias]: text, [key]: text }), /both given/);
  }
});

Deno.test("storage-class.md lists what can change on a living volume", async () => {
  const keys = rowsOf(await section(PAGE, "Changes to a living volume"))
    .map(([key = ""]) => codeWords(key)[0]);
  assert.deepEqual(keys, RECONNECT_KEYS);
});

Deno.test("the examples of storage-class.md are accepted", async () => {
  const [ofClass] = blocksOf(await section(PAGE, "An example"), "yaml");
  const { parameters } = parse(ofClass ?? "");
  assert.equal(parseVolumeParameters(parameters).mkfsOptions.length, 2);
  const [ofChange] = blocksOf(await section(PAGE, "Changes to a living volume"), "yaml");
  assert.equal(parseMutableParameters(parse(ofChange ?? "").parameters).ctrlLossTmo, 600);
  const [ofSnapshots] = blocksOf(await section(PAGE, "Snapshots"), "yaml");
  checkSnapshotParameters(parse(ofSnapshots ?? "").parameters ?? {});
  assert.throws(() => checkSnapshotParameters({ backend: "main" }));
});
