/** Many sequences, drawn from a seed; a failure is made small, told in words, and can be replayed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { runSequence } from "./sequence.ts";
import { sequences } from "./steps.ts";
import type { Step, StepsOptions } from "./steps.ts";
import type { OpenWorld, World } from "./world.ts";

/** What to try. */
export interface Exploration extends StepsOptions {
  /** What the worlds are called, in one word; a replay names it. */
  readonly name: string;
  readonly open: OpenWorld;
  readonly sequenceCount: number;
  /** The statuses that so many sequences meet, or they are not worth much. */
  readonly mustSee?: readonly string[];
  /** As {@link Failure.replay}, to see one failure again; for another exploration it is ignored. */
  readonly replay?: string | undefined;
}

/** A sequence that does not end as the model says. */
export interface Failure {
  /** What to set MODEL_REPLAY to. */
  readonly replay: string;
  /** The steps as they were carried out, up to the one that failed. */
  readonly story: readonly string[];
  readonly cause: unknown;
}

/** The environment variable that says how many sequences to try, in all. */
const COUNT_VARIABLE = "MODEL_SEQUENCES";
/** The environment variable that names one failure to see again. */
const REPLAY_VARIABLE = "MODEL_REPLAY";
const SEQUENCES = 2000;
/** How long a failing sequence is made smaller; one that hangs is slow at that. */
const SHRINK_MS_MAX = 60_000;
/** From so many sequences on, what none of them met is hardly chance. */
const TELLING_COUNT = 200;
const REPLAY = /^([a-z0-9-]+)@(-?\d+)@([\d:]+)$/;

/** How many of all sequences are to be tried where `share` of them are, 0 to 1; at least one. */
export function sequenceCount(share: number): number {
  const text = Deno.env.get(COUNT_VARIABLE) ?? String(SEQUENCES);
  const count = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (count >= 1) return Math.max(1, Math.round(count * share));
  throw new RangeError(`${COUNT_VARIABLE} is "${text}"; allowed: a whole number from 1`);
}

/** The failure that the environment asks for. */
export function replayAsked(): string | undefined {
  return Deno.env.get(REPLAY_VARIABLE);
}

/**
 * Tries sequences until one fails or all were tried.
 * @throws {Error} that tells the failure and how to replay it.
 */
export async function explore(exploration: Exploration): Promise<void> {
  const failure = await findFailure(exploration);
  if (failure === undefined) return;
  const steps = failure.story.map((step, index) => `  ${index + 1}. ${step}`);
  const { cause } = failure;
  throw new Error(
    [
      `The ${exploration.name} array does not do what the model says.`,
      `Replay: ${replayCommand(failure)}`,
      "Steps:",
      ...steps,
      `Finding: ${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}`,
    ].join("\n"),
  );
}

/** The command that shows one failure again. */
export function replayCommand({ replay }: Pick<Failure, "replay">): string {
  const name = replay.slice(0, replay.indexOf("@"));
  return `${REPLAY_VARIABLE}=${replay} deno test -A --filter "(${name})" tests/model`;
}

/** What a test must be called whose sequences {@link replayCommand} can find. */
export function testName(name: string): string {
  return `any sequence of calls, faults and crashes ends as the model says (${name})`;
}

/** As {@link explore}, giving the failure. */
export async function findFailure(exploration: Exploration): Promise<Failure | undefined> {
  const { name, replay } = exploration;
  const asked = replay === undefined ? undefined : parseReplay(replay);
  if (asked !== undefined && asked.name !== name) return undefined;
  await using worlds = new Worlds(exploration.open);
  const property = fc.asyncProperty(sequences(exploration), (steps) => worlds.run(steps));
  const details = await fc.check(property, {
    // A replay is the failure it names: it is neither searched for nor made smaller again.
    ...(asked === undefined
      ? { numRuns: exploration.sequenceCount }
      : { numRuns: 1, seed: asked.seed, path: asked.path, endOnFailure: true }),
  });
  if (!details.failed) {
    if (asked === undefined) worlds.checkSeen(exploration);
    return undefined;
  }
  return {
    replay: `${name}@${details.seed}@${details.counterexamplePath ?? "0"}`,
    story: worlds.lastFailure,
    cause: details.errorInstance,
  };
}

function parseReplay(text: string): { name: string; seed: number; path: string } {
  const [, name, seed, path] = REPLAY.exec(text) ?? [];
  if (name === undefined || path === undefined) {
    throw new RangeError(`${REPLAY_VARIABLE} is "${text}"; allowed: name@seed@path, as printed`);
  }
  return { name, seed: Number(seed), path };
}

/** One world for all sequences, as long as they end well: then nothing of theirs is left. */
class Worlds implements AsyncDisposable {
  readonly #open: OpenWorld;
  #world: World | undefined;
  #shrinksUntilMs = Infinity;
  /** The story of the sequence that failed last, which is the smallest. */
  lastFailure: readonly string[] = [];

  constructor(open: OpenWorld) {
    this.#open = open;
  }

  async run(steps: readonly Step[]): Promise<void> {
    // From here on every smaller sequence counts as fine, so the search for one ends.
    if (performance.now() > this.#shrinksUntilMs) return;
    this.#world ??= await this.#open();
    const story: string[] = [];
    try {
      await runSequence(this.#world, steps, story);
    } catch (error) {
      this.lastFailure = story;
      this.#shrinksUntilMs = Math.min(this.#shrinksUntilMs, performance.now() + SHRINK_MS_MAX);
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws {Error} when the sequences did not meet what they must. */
  checkSeen({ mustSee = [], sequenceCount }: Exploration): void {
    if (sequenceCount < TELLING_COUNT) return;
    const missing = mustSee.filter((status) => this.#world?.answers.has(status) === false);
    assert.deepEqual(missing, [], "statuses that no call was answered with");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const world = this.#world;
    this.#world = undefined;
    await world?.[Symbol.asyncDispose]();
  }
}
