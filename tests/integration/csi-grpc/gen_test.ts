import assert from "node:assert/strict";
import { join } from "node:path";
import { generate, GENERATED_DIRECTORY, GENERATED_FILE } from "../../../tools/gen_proto.ts";

Deno.test("the generated code is what `deno task gen` makes of proto/csi.proto", async () => {
  const directory = await Deno.makeTempDir({ prefix: "csi-gen-" });
  try {
    await generate(directory);
    const fresh = await Deno.readTextFile(join(directory, GENERATED_FILE));
    const committed = await Deno.readTextFile(join(GENERATED_DIRECTORY, GENERATED_FILE));
    assert.ok(fresh === committed, "csi_pb.ts is out of date: run `deno task gen`");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
