/**
 * The longer run: the tests of this folder with more sequences. MODEL_SEQUENCES says how many;
 * arguments are passed on to `deno test`.
 */
const SEQUENCES = "20000";

const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--parallel", ...Deno.args, "tests/model"],
  cwd: new URL("../../", import.meta.url),
  env: { MODEL_SEQUENCES: Deno.env.get("MODEL_SEQUENCES") ?? SEQUENCES },
}).spawn();
Deno.exit((await child.status).code);
