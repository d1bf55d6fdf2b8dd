/** All scenarios in the order in which they run, and the rows of the matrix that none shows. */
import type { KernelSeries } from "../../tools/lab/kernels.ts";
import type { Scenario, ScenarioId, UnshownRow } from "./scenario.ts";
import { BOX_SCENARIOS } from "./scenarios/boxes.ts";
import { CONTRACT_SCENARIOS } from "./scenarios/contract.ts";
import { ENDING_SCENARIOS } from "./scenarios/endings.ts";
import { LIFE_SCENARIOS } from "./scenarios/life.ts";
import { LINK_SCENARIOS } from "./scenarios/links.ts";
import { NODE_SCENARIOS } from "./scenarios/nodes.ts";

/** Every scenario; those that kill machines last, so that a broken boot spoils little. */
export const SCENARIOS: readonly Scenario[] = [
  ...CONTRACT_SCENARIOS,
  ...LIFE_SCENARIOS,
  ...LINK_SCENARIOS,
  ...ENDING_SCENARIOS,
  ...BOX_SCENARIOS,
  ...NODE_SCENARIOS,
];

/** How many rows the failure matrix has: F1 to F36. */
export const ROW_COUNT = 36;

/** What no scenario shows, and why. */
export const UNSHOWN_ROWS: readonly UnshownRow[] = [
  {
    row: "F12",
    title: "A staging mount that a restarted kubelet has forgotten",
    reason: "who still needs it is in VolumeAttachment objects: needs the Kubernetes API",
  },
  {
    row: "F15",
    title: "The taint out-of-service",
    reason: "needs the Kubernetes API; the calls that it leads to are shown",
  },
  {
    row: "F16",
    title: "A node cut off from the API that goes on writing",
    reason: "needs fencing on the storage side, which this version does not have",
  },
  {
    row: "F33",
    title: "Restore in place while a session exists",
    reason: "this version does not restore in place",
  },
];

/**
 * What the continuous integration runs on each kernel, less than 25 minutes in all: on every kernel what
 * kernels do differently and what matters most, and the rest on one of them.
 */
export const CI_SCENARIOS: Readonly<Record<KernelSeries, readonly ScenarioId[]>> = {
  "6.1": ["F2", "F7", "F8", "F28"],
  "6.12": ["life-ext4", "F1", "F25", "F30", "F7", "F8", "F20", "F15"],
  "7.2": ["contract", "F5", "F8", "F21", "F28"],
};

/** The scenarios for one kernel: all, or those of the continuous integration. */
export function scenariosFor(series: KernelSeries, isAll: boolean): Scenario[] {
  return SCENARIOS.filter(({ plan }) => isAll || CI_SCENARIOS[series].includes(plan.id));
}
