/** The global commands and their arguments, as the parser needs them. */

/**
 * How an argument is read. `code` is `{statements}`; `declare` and `declare-global` are the name of
 * a new variable; `loop` is one or two names that live in the command's code; `target` is a
 * variable or an element of one; `level` is a topic of the log.
 */
export type ParameterKind =
  | "value"
  | "code"
  | "declare"
  | "declare-global"
  | "loop"
  | "target"
  | "level";

/** The arguments of one global command. */
export interface BuiltinSignature {
  readonly parameters: Readonly<Record<string, ParameterKind>>;
  /** The parameters that values without a name go to, in order. */
  readonly unnamed: readonly string[];
  readonly required: readonly string[];
}

/** The commands that only compute a value from their arguments. */
export type ConversionName =
  | "serialize"
  | "pick"
  | "find"
  | "len"
  | "typeof"
  | "tostr"
  | "tonum"
  | "tobool"
  | "toarray"
  | "toid"
  | "toip"
  | "totime";

/** The name of a global command, without its colon. */
export type BuiltinName =
  | "put"
  | "error"
  | "return"
  | "nothing"
  | "local"
  | "global"
  | "set"
  | "if"
  | "while"
  | "do"
  | "for"
  | "foreach"
  | "onerror"
  | "retry"
  | "time"
  | "delay"
  | "log"
  | ConversionName;

const ONE_VALUE: BuiltinSignature = {
  parameters: { value: "value" },
  unnamed: ["value"],
  required: ["value"],
};

const SIGNATURES: Readonly<Record<BuiltinName, BuiltinSignature>> = {
  put: { parameters: { message: "value" }, unnamed: ["message"], required: ["message"] },
  error: { parameters: { message: "value" }, unnamed: ["message"], required: ["message"] },
  return: { parameters: { value: "value" }, unnamed: ["value"], required: [] },
  nothing: { parameters: {}, unnamed: [], required: [] },
  local: {
    parameters: { name: "declare", value: "value" },
    unnamed: ["name", "value"],
    required: ["name"],
  },
  global: {
    parameters: { name: "declare-global", value: "value" },
    unnamed: ["name", "value"],
    required: ["name"],
  },
  set: {
    parameters: { name: "target", value: "value" },
    unnamed: ["name", "value"],
    required: ["name"],
  },
  if: {
    parameters: { condition: "value", do: "code", else: "code" },
    unnamed: ["condition"],
    required: ["condition"],
  },
  while: {
    parameters: { condition: "value", do: "code" },
    unnamed: ["condition"],
    required: ["condition", "do"],
  },
  do: {
    parameters: { command: "code", while: "value", "on-error": "code" },
    unnamed: ["command"],
    required: ["command"],
  },
  for: {
    parameters: { counter: "loop", from: "value", to: "value", step: "value", do: "code" },
    unnamed: ["counter"],
    required: ["counter", "from", "to", "do"],
  },
  foreach: {
    parameters: { counter: "loop", in: "value", do: "code" },
    unnamed: ["counter"],
    required: ["counter", "in", "do"],
  },
  onerror: {
    parameters: { error: "loop", in: "code", do: "code" },
    unnamed: ["error"],
    required: ["error", "in", "do"],
  },
  retry: {
    parameters: { command: "code", delay: "value", max: "value", "on-error": "code" },
    unnamed: [],
    required: ["command", "max"],
  },
  time: { parameters: { command: "code" }, unnamed: ["command"], required: ["command"] },
  delay: { parameters: { "delay-time": "value" }, unnamed: ["delay-time"], required: [] },
  log: {
    parameters: { topics: "level", message: "value" },
    unnamed: ["topics", "message"],
    required: ["topics", "message"],
  },
  serialize: {
    parameters: { value: "value", to: "value", options: "value" },
    unnamed: ["value"],
    required: ["to", "value"],
  },
  pick: {
    parameters: { value: "value", begin: "value", end: "value" },
    unnamed: ["value", "begin", "end"],
    required: ["value", "begin"],
  },
  find: {
    parameters: { in: "value", key: "value", from: "value" },
    unnamed: ["in", "key", "from"],
    required: ["in", "key"],
  },
  len: ONE_VALUE,
  typeof: ONE_VALUE,
  tostr: ONE_VALUE,
  tonum: ONE_VALUE,
  tobool: ONE_VALUE,
  toarray: ONE_VALUE,
  toid: ONE_VALUE,
  toip: ONE_VALUE,
  totime: ONE_VALUE,
};

/** The topics `:log` writes to. */
export const LOG_LEVELS: readonly string[] = ["debug", "error", "info", "warning"];

const BY_NAME: ReadonlyMap<string, BuiltinSignature> = new Map(Object.entries(SIGNATURES));

/** The names of all global commands. */
export const BUILTIN_NAMES: readonly string[] = [...BY_NAME.keys()];

/** Whether the word is a global command. */
export function isBuiltinName(word: string): word is BuiltinName {
  return BY_NAME.has(word);
}

/** The arguments that a global command takes. */
export function signatureOf(name: BuiltinName): BuiltinSignature {
  return SIGNATURES[name];
}
