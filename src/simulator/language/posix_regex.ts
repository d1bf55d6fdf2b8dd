/**
 * POSIX extended regular expressions, as `~` takes them.
 *
 * All the ways a text may match are followed side by side, never one after the other, so no pattern
 * of a client can hold up the process: the time is at most that of the text times the pattern.
 */
import { invalid, parsePattern, type Pattern } from "./posix_pattern.ts";

/** One step of a pattern; `next` and `other` are the indexes of the steps that follow. */
type Step =
  | { kind: "character"; test: (char: string) => boolean }
  | { kind: "assertion"; holds: (text: string, at: number) => boolean }
  | { kind: "split"; next: number; other: number }
  | { kind: "jump"; next: number }
  | { kind: "match" };

/** Counted repeats are written out; nested ones would multiply without an end. */
const MAX_STEPS = 8192;
const MAX_CACHED_PATTERNS = 256;

/** A pattern without anything special in it, perhaps tied to the beginning: what scripts use most. */
const PLAIN = /^(?<anchor>\^?)(?<literal>[A-Za-z0-9 ;:=_,@/-]{0,256})$/;

const compiled = new Map<string, readonly Step[]>();

/**
 * Whether the pattern matches anywhere in the text.
 * @throws {RouterOsError} when the pattern is no POSIX extended regular expression, or is too large.
 */
export function matchesPosix(text: string, pattern: string): boolean {
  const plain = PLAIN.exec(pattern)?.groups;
  if (plain !== undefined) {
    const literal = plain["literal"] ?? "";
    return plain["anchor"] === "" ? text.includes(literal) : text.startsWith(literal);
  }
  let steps = compiled.get(pattern);
  if (steps === undefined) {
    steps = compile(pattern);
    if (compiled.size >= MAX_CACHED_PATTERNS) compiled.clear();
    compiled.set(pattern, steps);
  }
  return new Matcher(steps, text).matches();
}

function compile(pattern: string): readonly Step[] {
  const steps: Step[] = [];
  emit(parsePattern(pattern), steps);
  append(steps, { kind: "match" });
  return steps;
}

function append<S extends Step>(steps: Step[], step: S): S {
  if (steps.length >= MAX_STEPS) throw invalid();
  steps.push(step);
  return step;
}

function emit(pattern: Pattern, steps: Step[]): void {
  switch (pattern.kind) {
    case "character":
      append(steps, { kind: "character", test: pattern.test });
      return;
    case "assertion":
      append(steps, { kind: "assertion", holds: pattern.holds });
      return;
    case "sequence":
      for (const part of pattern.parts) emit(part, steps);
      return;
    case "choice":
      emitChoice(pattern.parts, steps);
      return;
    case "repeat":
      emitRepeat(pattern, steps);
  }
}

function emitChoice(parts: readonly Pattern[], steps: Step[]): void {
  const ends: { kind: "jump"; next: number }[] = [];
  parts.forEach((part, index) => {
    if (index === parts.length - 1) return emit(part, steps);
    const split = append(steps, { kind: "split", next: steps.length + 1, other: 0 });
    emit(part, steps);
    ends.push(append(steps, { kind: "jump", next: 0 }));
    split.other = steps.length;
  });
  for (const end of ends) end.next = steps.length;
}

function emitRepeat(
  { part, minimum, maximum }: Extract<Pattern, { kind: "repeat" }>,
  steps: Step[],
): void {
  for (let count = 0; count < minimum; count++) emit(part, steps);
  if (maximum === undefined) {
    const start = steps.length;
    const split = append(steps, { kind: "split", next: start + 1, other: 0 });
    emit(part, steps);
    append(steps, { kind: "jump", next: start });
    split.other = steps.length;
    return;
  }
  const splits: { kind: "split"; next: number; other: number }[] = [];
  for (let count = minimum; count < maximum; count++) {
    splits.push(append(steps, { kind: "split", next: steps.length + 1, other: 0 }));
    emit(part, steps);
  }
  for (const split of splits) split.other = steps.length;
}

/** One text against one pattern. */
class Matcher {
  readonly #steps: readonly Step[];
  readonly #text: string;
  /** For each step the last place, plus one, at which it was reached: each is followed once. */
  readonly #reachedAt: Uint32Array;

  constructor(steps: readonly Step[], text: string) {
    this.#steps = steps;
    this.#text = text;
    this.#reachedAt = new Uint32Array(steps.length);
  }

  matches(): boolean {
    let current: number[] = [];
    for (let at = 0; at <= this.#text.length; at++) {
      const waiting: number[] = [];
      // A match may begin anywhere.
      if (this.#follow([...current, 0], at, waiting)) return true;
      const char = this.#text.charAt(at);
      current = waiting.filter((index) => this.#takes(index, char)).map((index) => index + 1);
    }
    return false;
  }

  #takes(index: number, char: string): boolean {
    const step = this.#steps[index];
    return char !== "" && step?.kind === "character" && step.test(char);
  }

  /** Goes on to the steps that wait for a character; true when the end of the pattern is reached. */
  #follow(pending: number[], at: number, waiting: number[]): boolean {
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (this.#reachedAt[index] === at + 1) continue;
      this.#reachedAt[index] = at + 1;
      const step = this.#steps[index];
      switch (step?.kind) {
        case "character":
          waiting.push(index);
          break;
        case "assertion":
          if (step.holds(this.#text, at)) pending.push(index + 1);
          break;
        case "split":
          pending.push(step.next, step.other);
          break;
        case "jump":
          pending.push(step.next);
          break;
        case "match":
          return true;
        case undefined:
          break;
      }
    }
    return false;
  }
}
