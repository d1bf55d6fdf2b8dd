/** `:onerror`, `:do`, `:retry`. Only failures of commands can be caught. */
import { argumentOf, borrowedIn, codeOf } from "./builtin_arguments.ts";
import { whileRound } from "./control_flow.ts";
import { type ExpressionPlace, writeVariable } from "./expression_compiler.ts";
import { ConsoleFailure } from "./failures.ts";
import { RouterOsError } from "../menu.ts";
import { attempt, chain, type Evaluator, type Eventually, repeat, type Run } from "./run.ts";
import type { BuiltinStatement } from "./syntax.ts";
import type { Value } from "./values.ts";
import { millisecondsOf, pause } from "./waiting.ts";

/** Runs code; a failure goes to `recover` with its text, anything else goes on. */
function guarded(
  run: Run,
  code: Evaluator,
  recover: (text: string) => Eventually<Value>,
): Eventually<Value> {
  return attempt(() => code(run), (error) => {
    if (error instanceof ConsoleFailure) return recover(error.message);
    throw error;
  });
}

/** `:onerror e in={} do={}`; its value says whether there was an error. */
export function compileOnError(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const code = codeOf(statement, "in", place);
  const handler = codeOf(statement, "do", place);
  const [variable] = statement.variables;
  return (run) =>
    guarded(run, () => chain(code(run), (): Value => false), (text) => {
      if (variable !== undefined) writeVariable(run, variable, text);
      return chain(handler(run), (): Value => true);
    });
}

/** `:do {} while=()`: at least once; `:do {} on-error={}`. */
export function compileDo(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const body = codeOf(statement, "command", place);
  const code = statement.values.has("while")
    ? repeated(body, argumentOf(statement, "while", borrowedIn(place)))
    : body;
  if (!statement.bodies.has("on-error")) return code;
  const handler = codeOf(statement, "on-error", place);
  return (run) => guarded(run, code, () => handler(run));
}

function repeated(body: Evaluator, condition: Evaluator): Evaluator {
  return (run) =>
    chain(
      body(run),
      () => chain(repeat(() => whileRound(run, condition, body)), (): Value => undefined),
    );
}

/** `:retry command={} delay=1s max=3 on-error={}`; without `on-error` the last failure goes on. */
export function compileRetry(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const code = codeOf(statement, "command", place);
  const delay = argumentOf(statement, "delay", place);
  const limit = argumentOf(statement, "max", place);
  const handler = statement.bodies.has("on-error")
    ? codeOf(statement, "on-error", place)
    : undefined;
  return async (run) => {
    const delayMs = millisecondsOf(await delay(run) ?? 0);
    const maximum = await limit(run);
    if (typeof maximum !== "number") throw new RouterOsError("invalid value for argument max");
    for (let count = 1;; count++) {
      await run.tick();
      let failure = "";
      const result = await guarded(run, code, (text) => {
        failure = text;
        return undefined;
      });
      if (failure === "") return result;
      if (count >= maximum) {
        if (handler === undefined) throw new ConsoleFailure(failure);
        return await handler(run);
      }
      await pause(run, delayMs);
    }
  };
}
