/** The page on conformance says what the code announces and what the runs expect. */
import assert from "node:assert/strict";
import { CONTROLLER_CAPABILITIES } from "../../../src/adapters/csi-grpc/controller.ts";
import {
  ControllerServiceCapability_RPC_Type,
  NodeServiceCapability_RPC_Type,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { NODE_CAPABILITIES } from "../../../src/adapters/csi-grpc/node.ts";
import { type AccessMode, refusalOf } from "../../../src/domain/access.ts";
import { EXPECTED_SKIPS } from "../../sanity/expected_skips.ts";
import { SANITY_RUNS } from "../../sanity/runs.ts";

const PAGE = new URL("../../../docs/reference/conformance.md", import.meta.url);

/** The lines of the page between two headings or sentences. */
async function part(from: string, to?: string): Promise<string[]> {
  const text = await Deno.readTextFile(PAGE);
  const start = text.indexOf(from) + from.length;
  const end = to === undefined ? text.length : text.indexOf(to, start);
  return text.slice(start, end).split("\n").map((line) => line.trim());
}

/** The cells of the table rows among `lines`, without the heading. */
function rowsOf(lines: readonly string[]): string[][] {
  const rows = lines.filter((line) => line.startsWith("|")).slice(2);
  return rows.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

/** The items of the list among `lines`. */
function itemsOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("- ")).map((line) => line.slice(2));
}

Deno.test("conformance.md lists the runs of csi-sanity", async () => {
  const rows = rowsOf(await part("## Runs", "In each run"));
  assert.deepEqual(rows, SANITY_RUNS.map(({ name, about }) => [name, about]));
});

Deno.test("conformance.md gives the reason of every spec that does not run", async () => {
  const rows = rowsOf(await part("## Specs that do not run", "## Capabilities"));
  assert.deepEqual(rows, Object.entries(EXPECTED_SKIPS));
});

Deno.test("conformance.md lists the capabilities that are announced", async () => {
  const controller = itemsOf(await part("Controller:", "Node:"));
  const node = itemsOf(await part("Node:", "`VOLUME_MOUNT_GROUP`"));
  const ofController = CONTROLLER_CAPABILITIES.map((type) =>
    ControllerServiceCapability_RPC_Type[type]
  );
  assert.deepEqual(controller, ofController);
  assert.deepEqual(node, NODE_CAPABILITIES.map((type) => NodeServiceCapability_RPC_Type[type]));
});

Deno.test("conformance.md says which access modes are offered", async () => {
  const rows = rowsOf(await part("## Access modes"));
  assert.equal(rows.length, 7);
  for (const [mode = "", mount = "", block = ""] of rows) {
    const refusal = (access: Parameters<typeof refusalOf>[0]["access"]): string | undefined =>
      refusalOf({ mode: mode as AccessMode, access });
    const onMount = refusal({ type: "mount", fileSystem: "ext4", mountFlags: [] });
    assert.equal(mount.startsWith("yes"), onMount === undefined, `${mode} on mount`);
    const onBlock = refusal({ type: "block" });
    assert.equal(block.startsWith("yes"), onBlock === undefined, `${mode} on block`);
  }
});
