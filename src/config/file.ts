/** The text of a configuration file, and what flags replace in it. Pure. */
import { parseDocument } from "yaml";

/** What flags replace in the file. */
export interface ConfigOverrides {
  readonly driverName?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** The one value that a YAML text is, or each place where it is not YAML, with its line. */
export function readYaml(text: string): { value: unknown } | { problems: string[] } {
  const document = parseDocument(text, { prettyErrors: true, stringKeys: true });
  if (document.errors.length > 0) {
    // The parser's message goes on with the lines around the place.
    const findings = document.errors.map(({ message }) => message.replace(/:?\n.*$/s, ""));
    return { problems: findings.map((finding) => `the file is not YAML: ${finding}`) };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    // Aliases that multiply, or that name no anchor, are found only when they are followed.
    const finding = error instanceof Error ? error.message : String(error);
    return { problems: [`the file is not YAML: ${finding}`] };
  }
}

/** `root`, the value of a file, with what flags say laid over it. */
export function withOverrides(root: unknown, overrides: ConfigOverrides): unknown {
  const { driverName, logLevel, logFormat } = overrides;
  if (!isMapping(root)) return root;
  const log = isMapping(root["log"]) ? root["log"] : {};
  const changes = { ...given("level", logLevel), ...given("format", logFormat) };
  return {
    ...root,
    ...given("driverName", driverName),
    ...(Object.keys(changes).length === 0 ? {} : { log: { ...log, ...changes } }),
  };
}

function given(key: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [key]: value };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
