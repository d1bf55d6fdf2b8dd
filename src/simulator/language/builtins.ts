/** The global commands as functions. */
import { RouterOsError } from "../menu.ts";
import { argumentOf, borrowedIn, codeOf } from "./builtin_arguments.ts";
import { type BuiltinName, type ConversionName, signatureOf } from "./builtin_signatures.ts";
import { compileFor, compileForeach, compileIf, compileWhile } from "./control_flow.ts";
import { CONVERSIONS } from "./conversions.ts";
import { compileDo, compileOnError, compileRetry } from "./error_handling.ts";
import { type ExpressionPlace, writeVariable } from "./expression_compiler.ts";
import { ConsoleReturn } from "./failures.ts";
import { chain, evaluateAll, type Evaluator } from "./run.ts";
import { compileSet } from "./set_variable.ts";
import type { BuiltinStatement } from "./syntax.ts";
import { textOf } from "./text.ts";
import type { Value } from "./values.ts";
import { compileDelay } from "./waiting.ts";

/** The function that runs a global command. */
export function compileBuiltin(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  switch (statement.name) {
    case "put":
      return compilePut(statement, place);
    case "error":
      return compileError(statement, place);
    case "return":
      return compileReturn(statement, place);
    case "nothing":
      return () => undefined;
    case "local":
    case "global":
      return compileDeclaration(statement, place);
    case "set":
      return compileSet(statement, place);
    case "if":
      return compileIf(statement, place);
    case "while":
      return compileWhile(statement, place);
    case "do":
      return compileDo(statement, place);
    case "for":
      return compileFor(statement, place);
    case "foreach":
      return compileForeach(statement, place);
    case "onerror":
      return compileOnError(statement, place);
    case "retry":
      return compileRetry(statement, place);
    case "time":
      return compileTime(statement, place);
    case "delay":
      return compileDelay(statement, place);
    case "log":
      return compileLog(statement, place);
    default:
      return compileConversion(statement.name, statement, place);
  }
}

function compilePut(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const message = argumentOf(statement, "message", borrowedIn(place));
  return (run) =>
    chain(message(run), (value): Value => {
      run.print(textOf(value) + "\n");
      return undefined;
    });
}

function compileError(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const message = argumentOf(statement, "message", borrowedIn(place));
  return (run) =>
    chain(message(run), (value): Value => {
      throw new RouterOsError(textOf(value));
    });
}

function compileReturn(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const result = argumentOf(statement, "value", place);
  return (run) =>
    chain(result(run), (): Value => {
      throw new ConsoleReturn();
    });
}

/** Without a value a local starts as nothing; a global keeps what it has. */
function compileDeclaration(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const [variable] = statement.variables;
  const isGlobal = statement.name === "global";
  const hasValue = statement.values.has("value");
  const initial = argumentOf(statement, "value", place);
  return (run) =>
    chain(initial(run), (value): Value => {
      const keeps = isGlobal && !hasValue;
      if (variable !== undefined && !keeps) writeVariable(run, variable, value);
      return undefined;
    });
}

function compileTime(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const command = codeOf(statement, "command", place);
  return (run) => {
    const clock = run.options.monotonicMs ?? ((): number => performance.now());
    const startMs = clock();
    return chain(command(run), (): Value => ({ type: "time", milliseconds: clock() - startMs }));
  };
}

function compileLog(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const evaluators = [
    argumentOf(statement, "topics", place),
    argumentOf(statement, "message", place),
  ];
  return (run) =>
    chain(evaluateAll(run, evaluators), ([level, message]): Value => {
      run.options.log?.(textOf(level), textOf(message));
      return undefined;
    });
}

function compileConversion(
  name: ConversionName,
  statement: BuiltinStatement,
  place: ExpressionPlace,
): Evaluator {
  const parameters = Object.keys(signatureOf(name).parameters);
  // What these give may hold the very array they were given, or a part of it.
  const isBorrowed = !GIVE_BACK.has(name);
  const evaluators = parameters.map((parameter) =>
    argumentOf(statement, parameter, { ...place, isBorrowed })
  );
  const convert = CONVERSIONS[name];
  return (run) => chain(evaluateAll(run, evaluators), (values) => convert(...values));
}

const GIVE_BACK: ReadonlySet<BuiltinName> = new Set(["toarray", "toip", "totime", "pick"]);
