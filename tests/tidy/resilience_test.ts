import assert from "node:assert/strict";
import { withTable } from "../../tools/reference.ts";
import {
  forgottenRows,
  RESILIENCE_PAGE,
  resiliencePart,
  RESULTS_FILE,
} from "../../tools/resilience_page.ts";
import type { KernelSeries } from "../../tools/lab/kernels.ts";
import { CI_SCENARIOS, SCENARIOS } from "../kernel/catalogue.ts";
import { type Results, textOfResults, withResult } from "../kernel/results.ts";

const ROOT = new URL("../../", import.meta.url);

async function storedResults(): Promise<Results> {
  return JSON.parse(await Deno.readTextFile(new URL(RESULTS_FILE, ROOT)));
}

Deno.test(`${RESILIENCE_PAGE} is what "deno task gen" makes of the scenarios and results`, async () => {
  const page = await Deno.readTextFile(new URL(RESILIENCE_PAGE, ROOT));
  assert.equal(page, withTable(page, resiliencePart(await storedResults())));
});

Deno.test("every row of the failure matrix has a scenario or a reason for having none", () => {
  assert.deepEqual(forgottenRows(), []);
});

Deno.test("what the continuous integration runs is in the list of scenarios, and makes sense", () => {
  for (const [series, ids] of Object.entries(CI_SCENARIOS)) {
    for (const id of ids) {
      const scenario = SCENARIOS.find(({ plan }) => plan.id === id);
      assert.ok(scenario !== undefined, `${series} ${id}`);
      assert.equal(scenario.plan.notOn?.[series as KernelSeries], undefined, `${series} ${id}`);
    }
  }
});

Deno.test("every scenario has a name of its own", () => {
  const ids = SCENARIOS.map(({ plan }) => plan.id);
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("results are kept only of scenarios that there are", async () => {
  const ids = new Set(SCENARIOS.map(({ plan }) => plan.id));
  assert.deepEqual(Object.keys(await storedResults()).filter((id) => !ids.has(id)), []);
});

Deno.test("a new result takes the place of the last one on the same kernel only", () => {
  const passed = { outcome: "passed", release: "6.12.1", date: "2026-01-01", figures: {} } as const;
  const failed = { ...passed, outcome: "failed", reason: "lost 3" } as const;
  const before = withResult(withResult({}, "F10", "6.12", passed), "F2", "6.1", passed);
  const after = withResult(before, "F10", "6.12", failed);
  assert.deepEqual(after, { F2: { "6.1": passed }, F10: { "6.12": failed } });
  assert.deepEqual(Object.keys(JSON.parse(textOfResults(after))), ["F2", "F10"]);
});
