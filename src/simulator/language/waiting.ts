/** `:delay`. */
import { RouterOsError } from "../menu.ts";
import { argumentOf } from "./builtin_arguments.ts";
import type { ExpressionPlace } from "./expression_compiler.ts";
import { parseDuration, parseNumber } from "./literals.ts";
import { chain, type Evaluator, type Run } from "./run.ts";
import type { BuiltinStatement } from "./syntax.ts";
import type { Value } from "./values.ts";

const DEFAULT_DELAY_SECONDS = 1;

/** `:delay 500ms`; a bare number is seconds. */
export function compileDelay(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const time = argumentOf(statement, "delay-time", place);
  return (run) =>
    chain(
      time(run),
      (value) =>
        pause(run, millisecondsOf(value ?? DEFAULT_DELAY_SECONDS)).then((): Value => undefined),
    );
}

/** A duration as milliseconds. @throws {RouterOsError} when the value is none. */
export function millisecondsOf(value: Value): number {
  if (typeof value === "number") return value * 1000;
  if (typeof value === "string") return millisecondsOf(parseNumber(value) ?? parseDuration(value));
  if (typeof value === "object" && value?.type === "time") return value.milliseconds;
  throw new RouterOsError("invalid value for argument delay-time");
}

/** Waits, unless the caller leaves. @throws {ConsoleInterrupted} when it does. */
export async function pause(run: Run, milliseconds: number): Promise<void> {
  run.checkSignal();
  const { sleep = sleepByTimer, signal } = run.options;
  await run.abortable(sleep(Math.max(0, milliseconds), signal));
  run.checkSignal();
}

function sleepByTimer(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", wake);
    resolve();
  };
  const timer = setTimeout(wake, milliseconds);
  signal?.addEventListener("abort", wake, { once: true });
  return promise;
}
