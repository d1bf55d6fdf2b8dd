/** Writes the generated part of docs/reference/resilience.md: a part of `deno task gen`. */
import results from "../tests/kernel/results.json" with { type: "json" };
import type { Results } from "../tests/kernel/results.ts";
import { withTable } from "./reference.ts";
import { RESILIENCE_PAGE, resiliencePart } from "./resilience_page.ts";

const page = new URL(`../${RESILIENCE_PAGE}`, import.meta.url);
await Deno.writeTextFile(
  page,
  withTable(await Deno.readTextFile(page), resiliencePart(results as Results)),
);
