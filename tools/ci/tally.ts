/** How many tests passed, failed and were skipped, from what the test programs print. Pure. */

/** Counts of tests. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Nothing counted yet. */
export const NO_TESTS: Tally = { passed: 0, failed: 0, skipped: 0 };

/** The last line of `deno test`; steps are parts of their tests and not counted apart. */
const DENO_TEST =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/;
/** The line of one csi-sanity run; the line below all runs stands at the margin. */
const SANITY_RUN = /^\s+(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;
/** How programs name what failed. */
const FAILURES: readonly RegExp[] = [
  // A test of `deno test`.
  / \.\.\. FAILED \([^)]*\)$/,
  // A scenario on a real kernel, and those that were not reached.
  /^\S+ \S+ \.\.\. FAILED \(\d+ s\)/,
  /^\S+: \d+ scenarios failed together/,
  // A finding of a csi-sanity run.
  /^\s+! /,
];
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/** The tests that one line of output counts. */
export function tallyOfLine(line: string): Tally {
  const plain = withoutColour(line);
  const [, passed, failed, skipped] = DENO_TEST.exec(plain) ?? SANITY_RUN.exec(plain) ?? [];
  return {
    passed: Number(passed ?? 0),
    failed: Number(failed ?? 0),
    skipped: Number(skipped ?? 0),
  };
}

/** Whether a line of output names a test that failed. */
export function namesFailure(line: string): boolean {
  const plain = withoutColour(line);
  return FAILURES.some((pattern) => pattern.test(plain));
}

function withoutColour(line: string): string {
  return line.replaceAll(COLOUR, "").trimEnd();
}

/** Both counts together. */
export function add(left: Tally, right: Tally): Tally {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/**
 * What a step came to. A step whose program failed has at least one failure, whatever it printed,
 * and one that must count tests and counted none has failed too: never green by running nothing.
 * What cannot run on a machine says why and counts what it skipped.
 */
export function concluded(counted: Tally, step: { isOk: boolean; countsTests: boolean }): Tally {
  const hasRunNothing = step.countsTests && counted.passed + counted.skipped === 0;
  if (!step.isOk || hasRunNothing) return { ...counted, failed: Math.max(1, counted.failed) };
  return step.countsTests ? counted : { ...counted, passed: counted.passed + 1 };
}

/** The line that ends a run: `N passed, N failed`, and what was skipped if anything was. */
export function verdict({ passed, failed, skipped }: Tally): string {
  const rest = skipped === 0 ? "" : `, ${skipped} skipped`;
  return `${passed} passed, ${failed} failed${rest}`;
}
