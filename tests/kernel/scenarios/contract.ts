/** The contracts of the node's ports, which every adapter keeps, over the real ones. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Figures, type KernelLab, minutes, type Scenario } from "../scenario.ts";

const SUITES = fileURLToPath(new URL("../contract/suites.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../../deno.json", import.meta.url));
const LOG = "/lab/contract.log";
const RUN_MS = minutes(9);

const CONTRACT: Scenario = {
  plan: {
    id: "contract",
    rows: [],
    title: "The contract suites of NVMe host, mounts and file systems in a node's kernel",
    expected:
      "every clause that the adapters in memory keep is kept by the real ones over real NVMe/TCP; " +
      "a program that has a device open, by whatever path, keeps it from being disconnected",
    deadlineMs: RUN_MS + minutes(1),
  },
  run: runSuites,
};

/** For the catalogue. */
export const CONTRACT_SCENARIOS: readonly Scenario[] = [CONTRACT];

async function runSuites(lab: KernelLab, signal: AbortSignal): Promise<Figures> {
  const { machine } = lab.node;
  const flags = ["-A", "--no-check", "--cached-only", "--no-lock", `--config=${CONFIG}`];
  // The runtime's cache is this host's; what is written to it stays in the machine.
  const command = `cd / && NO_COLOR=1 DENO_NO_UPDATE_CHECK=1 ${Deno.execPath()} test ` +
    `${flags.join(" ")} ${SUITES} >${LOG} 2>&1; status=$?; tail -n 200 ${LOG}; exit $status`;
  const { code, stdout } = await machine.exec(command, { deadlineMs: RUN_MS, signal });
  const [, passed, failed, ignored] =
    /(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/
      .exec(stdout) ?? [];
  if (code !== 0) lab.print(stdout);
  assert.equal(code, 0, `${failed ?? "an unknown number of"} clauses failed, see ${LOG}`);
  assert.ok(Number(passed) > 0, `no clause was run:\n${stdout}`);
  return { passed: Number(passed), skipped: Number(ignored ?? 0) };
}
