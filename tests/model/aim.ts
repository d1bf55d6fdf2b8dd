/**
 * Drawn steps name things blindly. Most of them shall meet something, so a step that would miss is
 * aimed at something that exists, if anything does.
 */
import type { Oracle } from "./oracle.ts";
import type { CallStep, Step } from "./steps.ts";

/** The step as it is carried out. */
export function aim(oracle: Oracle, step: Step): Step {
  if (!("event" in step)) return aimCall(oracle, step);
  switch (step.event) {
    case "write":
      return { ...step, name: existing(oracle.volumes, step.name) };
    case "crash-during":
    case "twice":
      return { ...step, call: aimCall(oracle, step.call) };
    case "cut-short": {
      const things = step.thing === "volume" ? oracle.volumes : oracle.snapshots;
      return { ...step, name: existing(things, step.name) };
    }
    case "give-up":
    case "fault":
    case "full":
    case "calm":
    case "crash":
      return step;
  }
}

function aimCall(oracle: Oracle, step: CallStep): CallStep {
  switch (step.call) {
    case "create-volume": {
      const { source } = step;
      if (source.from !== "volume" && source.from !== "snapshot") return step;
      const things = source.from === "volume" ? oracle.volumes : oracle.snapshots;
      return { ...step, source: { ...source, name: existing(things, source.name) } };
    }
    case "expand":
    case "modify":
    case "publish":
    case "unpublish":
      return { ...step, name: existing(oracle.volumes, step.name) };
    case "create-snapshot":
      return { ...step, source: existing(oracle.volumes, step.source) };
    default:
      return step;
  }
}

/** `name` when something is called so, else the n-th name that something has, if any. */
function existing(things: ReadonlyMap<number, unknown>, name: number): number {
  if (things.has(name)) return name;
  const names = [...things.keys()];
  return names[name % names.length] ?? name;
}
