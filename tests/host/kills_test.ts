/**
 * The node is killed between any two calls of its ports, in every step of a volume's life on it.
 * Started again and asked again, it ends where it would have ended.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { codeOf } from "../../tools/trial/csi_client.ts";
import { block, mount } from "../integration/shipped/requests.ts";
import { HostLab, isUnanswered } from "./lab.ts";
import type { Capability, Use } from "./lab.ts";
import type { Child } from "../../tools/trial/processes.ts";
import { remainsBelow } from "../../tools/trial/remains.ts";
import { hostTest } from "./machine.ts";
import type { DeathPlan } from "./mortal_node.ts";

const SIZE_MIB = 1024n;
const GROWN_MIB = 1536n;
const SOON_MS = 60_000;
/** All steps together make more calls than this; fewer deaths would mean that the plan is off. */
const LEAST_DEATHS = 25;
/** More calls than any step makes. */
const CALLS_MAX = 200;
const RETRIES_MAX = 200;
const RETRY_MS = 20;

/** One call of the node, and how many mounts and devices there are after it. */
interface Step {
  readonly name: string;
  readonly run: (lab: HostLab, use: Use) => Promise<void>;
  readonly after: { readonly mounts: readonly ("staging" | "target")[]; readonly loops: number };
}

const STEPS: readonly Step[] = [
  {
    name: "stage",
    run: (lab, use) => lab.stage(use),
    after: { mounts: ["staging"], loops: 1 },
  },
  {
    name: "publish",
    run: (lab, use) => lab.publish(use),
    after: { mounts: ["staging", "target"], loops: 1 },
  },
  {
    name: "expand",
    run: (lab, use) => lab.growOnNode(use, GROWN_MIB),
    after: { mounts: ["staging", "target"], loops: 1 },
  },
  {
    name: "unpublish",
    run: (lab, use) => lab.unpublish(use),
    after: { mounts: ["staging"], loops: 1 },
  },
  {
    name: "unstage",
    run: (lab, use) => lab.unstage(use),
    after: { mounts: [], loops: 0 },
  },
];

for (
  const [name, moment, capability] of [
    ["after any call with xfs", "after", mount(undefined, "xfs")],
    ["after any call with raw block", "after", block()],
    ["during any call with btrfs", "during", mount(undefined, "btrfs")],
  ] as const
) {
  hostTest(`killed ${name}, the node ends in the same state on the retry`, async () => {
    await using mortal = await MortalLab.open(moment);
    for (let callNumber = 1; await mortal.liveDyingAt(callNumber, capability) > 0; callNumber++) {
      assert.ok(callNumber < CALLS_MAX, "the steps do not come to an end");
    }
    const counts = STEPS.map(({ name }) => mortal.deaths.get(name) ?? 0);
    assert.ok(counts.every((count) => count > 0), `a step saw no death: ${counts}`);
    assert.ok(counts.reduce((sum, count) => sum + count) >= LEAST_DEATHS, `deaths: ${counts}`);
    await mortal.lab.assertNothingLeft();
  });
}

/** The end of a node that was to die in a call. @throws {Error} when it answered the call alive */
async function endOf(node: Child, answer: unknown): Promise<Deno.CommandStatus> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = new Error("The node lives on; the call failed", { cause: answer });
  const timer = setTimeout(() => reject(late), SOON_MS);
  try {
    return await Promise.race([node.ended(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A laboratory whose node dies as planned. */
class MortalLab implements AsyncDisposable {
  readonly lab: HostLab;
  readonly deaths = new Map<string, number>();
  readonly #planFile: string;
  #plans = 0;

  readonly #moment: DeathPlan["moment"];

  private constructor(lab: HostLab, planFile: string, moment: DeathPlan["moment"]) {
    this.lab = lab;
    this.#planFile = planFile;
    this.#moment = moment;
  }

  static async open(moment: DeathPlan["moment"]): Promise<MortalLab> {
    const entry = new URL("mortal_node.ts", import.meta.url).pathname;
    const planIn = (directory: string): string => join(directory, "plan");
    const lab = await HostLab.open((directory) => {
      Deno.writeTextFileSync(planIn(directory), "");
      const program = [Deno.execPath(), "run", "--quiet", "-A", entry];
      return { nodeProgram: [...program, planIn(directory)] };
    });
    return new MortalLab(lab, planIn(lab.directory), moment);
  }

  /** One volume's life, with a death at the n-th call of each step that has so many. */
  async liveDyingAt(callNumber: number, capability: Capability): Promise<number> {
    const { lab } = this;
    const volume = await lab.create(`dying-${callNumber}`, capability, SIZE_MIB);
    const use = await lab.admit(volume, capability);
    let deaths = 0;
    for (const step of STEPS) {
      if (step.name === "expand") await lab.grow(use, GROWN_MIB);
      if (await this.#dieIn(step, use, callNumber)) deaths += 1;
      await this.#check(step, use);
      if (step.name === "publish") await keepMark(use, callNumber);
      if (step.name === "expand") await checkMark(use, callNumber);
    }
    await lab.dismiss(use);
    await lab.delete(volume);
    return deaths;
  }

  /** Makes the node die in a step, starts it again and repeats the step. */
  async #dieIn(step: Step, use: Use, callNumber: number): Promise<boolean> {
    const { lab } = this;
    const plan: DeathPlan = { id: ++this.#plans, callNumber, moment: this.#moment };
    await Deno.writeTextFile(this.#planFile, JSON.stringify(plan));
    const failure = await repeat(() => step.run(lab, use), BUSY)
      .then(() => undefined, (error: unknown) => error);
    await Deno.writeTextFile(this.#planFile, "");
    if (failure === undefined) return false;
    assert.ok(isUnanswered(failure), String(failure));
    const { signal } = await endOf(lab.trial.nodeProcess(), failure);
    assert.equal(signal, "SIGKILL");
    await lab.trial.startNode();
    await lab.node(use.node).waitForReady(SOON_MS);
    await repeat(() => step.run(lab, use), PASSING[this.#moment]);
    this.deaths.set(step.name, (this.deaths.get(step.name) ?? 0) + 1);
    return true;
  }

  async #check({ name, after }: Step, use: Use): Promise<void> {
    const { mounts, loops } = remainsBelow(this.lab.directory);
    const isBlock = use.capability.accessType?.case === "block";
    const expected = isBlock ? [] : after.mounts.map((which) => use[which]);
    assert.deepEqual(mounts.toSorted(), expected.toSorted(), `mounts after ${name}`);
    assert.equal(loops.length, after.loops, `devices after ${name}`);
    if (!isBlock) return;
    const isShown = await Deno.lstat(use.target).then(
      ({ isBlockDevice }) => isBlockDevice,
      () => false,
    );
    assert.equal(isShown, after.mounts.includes("target"), `device node after ${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

/** A node that was started again sets itself in order beside its calls, one volume at a time. */
const BUSY: readonly (number | undefined)[] = [status.ABORTED];
/** What passes by itself: a program that outlives the node that ran it also holds the device. */
const PASSING: Readonly<Record<DeathPlan["moment"], readonly (number | undefined)[]>> = {
  after: BUSY,
  during: [status.ABORTED, status.FAILED_PRECONDITION, status.UNAVAILABLE],
};

async function repeat(
  call: () => Promise<void>,
  passing: readonly (number | undefined)[],
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (!passing.includes(codeOf(error)) || attempt === RETRIES_MAX) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function markFile({ capability, target }: Use): string {
  return capability.accessType?.case === "block" ? target : join(target, "mark");
}

async function keepMark(use: Use, callNumber: number): Promise<void> {
  using file = await Deno.open(markFile(use), { write: true, create: true });
  await file.write(new TextEncoder().encode(markOf(callNumber)));
  await file.sync();
}

async function checkMark(use: Use, callNumber: number): Promise<void> {
  using file = await Deno.open(markFile(use));
  const bytes = new Uint8Array(markOf(callNumber).length);
  await file.read(bytes);
  assert.equal(new TextDecoder().decode(bytes), markOf(callNumber));
}

function markOf(callNumber: number): string {
  return `written in life ${callNumber}`;
}
