/**
 * The direction of dependencies as a lint plugin: what each part of src may import, and what the
 * domain must not ask the machine for. The table is the one in ARCHITECTURE.md; a message says what
 * to do instead.
 */

/** What a part of src may import beside its own folder. */
interface Rule {
  /** Parts of src, by the beginning of their path; "" at the end of one stands for a file. */
  readonly parts: readonly string[];
  readonly packages: "any" | "none" | readonly string[];
  /** Whether `node:` modules may be used. */
  readonly node: boolean;
  /** Whether everything imported must be `import type`. */
  readonly typesOnly?: boolean;
  readonly remedy: string;
}

const DRIVEN: Rule = {
  parts: ["ports/", "domain/"],
  packages: "any",
  node: true,
  remedy:
    "if two adapters need the same thing it is a port, a rule of the domain, or worth repeating",
};
const DRIVING: Rule = { ...DRIVEN, parts: ["application/", "ports/", "domain/"] };
const CONFIGURATION: Rule = {
  parts: ["config/", "domain/"],
  packages: ["yaml"],
  node: true,
  remedy: "configuration is values; what is made of them belongs to src/cli",
};
const COMPOSITION: Rule = {
  parts: ["cli/", "config/", "version.ts", "application/", "ports/", "domain/", "adapters/"],
  packages: ["commander"],
  node: true,
  remedy: "the simulator is reached from src/cli/simulate*.ts and run_simulator.ts only",
};

/** The first entry whose key begins the path of a file holds for it. */
const RULES: readonly (readonly [part: string, rule: Rule])[] = [
  ["domain/digest.ts", {
    parts: ["domain/"],
    packages: ["@noble/hashes/legacy", "@noble/hashes/sha2"],
    node: false,
    remedy: "this file wraps the hash package and does nothing else",
  }],
  ["domain/", {
    parts: ["domain/"],
    packages: "none",
    node: false,
    remedy: "the domain only decides: take what is needed as an argument",
  }],
  ["ports/", {
    parts: ["ports/", "domain/"],
    packages: "none",
    node: false,
    typesOnly: true,
    remedy: "a port is types only: put code into the domain, the application or an adapter",
  }],
  ["application/", {
    parts: ["application/", "ports/", "domain/"],
    packages: "none",
    node: false,
    remedy: "a use case reaches the world through a port",
  }],
  ["adapters/csi-grpc/", DRIVING],
  ["adapters/ops-http/", DRIVING],
  ["adapters/", DRIVEN],
  ["simulator/", {
    parts: ["simulator/"],
    packages: "any",
    node: true,
    remedy: "the simulator is a tool of its own and knows nothing of the driver",
  }],
  ...["simulate", "run_simulator.ts"].map((file): [string, Rule] => [
    `cli/${file}`,
    { ...COMPOSITION, parts: ["cli/", "simulator/"] },
  ]),
  ["cli/", COMPOSITION],
  ["config/", CONFIGURATION],
  ["main.ts", { ...COMPOSITION, parts: [...COMPOSITION.parts, "runtime_guard.ts"] }],
  ["runtime_guard.ts", { ...DRIVEN, parts: ["runtime_version.ts"], packages: "none", node: false }],
  ["runtime_version.ts", { ...DRIVEN, parts: [], packages: "none", node: false }],
  ["version.ts", { ...DRIVEN, parts: ["../deno.json"], packages: "none", node: false }],
];

/** A part that nobody but tests may import. */
const FOR_TESTS_ONLY = "adapters/memory/";

/**
 * Why the file at `path` must not import `specifier`, or undefined when it may.
 * @param path relative to src, for example `domain/volume.ts`
 */
export function refusalOfImport(
  path: string,
  specifier: string,
  isTypeOnly: boolean,
): string | undefined {
  const rule = RULES.find(([part]) => path.startsWith(part))?.[1];
  if (rule === undefined) {
    return `"${path}" has no place in the layers: add it to tools/lint_layers.ts`;
  }
  const problem = problemOf(rule, path, specifier, isTypeOnly);
  return problem === undefined ? undefined : `${problem}; ${rule.remedy}`;
}

function problemOf(
  rule: Rule,
  path: string,
  specifier: string,
  isTypeOnly: boolean,
): string | undefined {
  if (specifier.startsWith("node:")) {
    return rule.node ? undefined : `"${path}" must not import ${specifier}`;
  }
  if (!specifier.startsWith(".")) {
    const isAllowed = rule.packages === "any" || rule.packages.includes(specifier);
    return isAllowed ? undefined : `"${path}" must not import the package ${specifier}`;
  }
  const target = resolvePath(path, specifier);
  if (target.startsWith(FOR_TESTS_ONLY) && !path.startsWith(FOR_TESTS_ONLY)) {
    return `"${path}" must not import ${target}, which is for tests`;
  }
  const isOwnFolder = path.startsWith("adapters/") && target.startsWith(folderOf(path));
  if (!isOwnFolder && !rule.parts.some((part) => target.startsWith(part))) {
    return `"${path}" must not import ${target}`;
  }
  if (rule.typesOnly === true && !isTypeOnly) return `"${path}" must use import type for ${target}`;
  return undefined;
}

/** The path that `specifier` means in the file at `path`; both relative to src. */
function resolvePath(path: string, specifier: string): string {
  const parts = path.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** An adapter's folder: `adapters/x/`. */
function folderOf(path: string): string {
  return `${path.split("/").slice(0, 2).join("/")}/`;
}

/** What the language itself offers and the domain must not use. */
const IMPURE: Readonly<Record<string, string>> = {
  "Date.now": "take `nowMs` as an argument",
  "Math.random": "take `jitter` as an argument",
  "performance.now": "take a duration as an argument",
  "crypto.randomUUID": "take the id as an argument",
};

const layers: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    const path = pathInSource(context.filename);
    if (path === undefined) return {};
    const check = (node: Deno.lint.Node, source: unknown, isTypeOnly: boolean): void => {
      if (typeof source !== "string") return;
      const message = refusalOfImport(path, source, isTypeOnly);
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration(node): void {
        check(node, node.source.value, node.importKind === "type");
      },
      ExportNamedDeclaration(node): void {
        check(node, node.source?.value, node.exportKind === "type");
      },
      ExportAllDeclaration(node): void {
        check(node, node.source.value, node.exportKind === "type");
      },
      ImportExpression(node): void {
        const { source } = node;
        check(node, source.type === "Literal" ? source.value : undefined, false);
      },
    };
  },
};

const purity: Deno.lint.Rule = {
  create(context): Deno.lint.LintVisitor {
    if (pathInSource(context.filename)?.startsWith("domain/") !== true) return {};
    return {
      MemberExpression(node): void {
        if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
        const name = `${node.object.name}.${node.property.name}`;
        const remedy = Object.hasOwn(IMPURE, name) ? IMPURE[name] : undefined;
        if (remedy === undefined) return;
        context.report({ node, message: `The domain must not use ${name}: ${remedy}` });
      },
      NewExpression(node): void {
        const isDate = node.callee.type === "Identifier" && node.callee.name === "Date";
        if (!isDate || node.arguments.length > 0) return;
        const message = "The domain must not use new Date(): take `nowMs` as an argument";
        context.report({ node, message });
      },
    };
  },
};

/** The path of a file below src, or undefined for others. The last src counts. */
function pathInSource(filename: string): string | undefined {
  const path = filename.replaceAll("\\", "/");
  const root = new URL("../src/", import.meta.url).pathname;
  if (path.startsWith(root)) return path.slice(root.length);
  return path.startsWith("src/") ? path.slice("src/".length) : undefined;
}

const plugin: Deno.lint.Plugin = { name: "layers", rules: { imports: layers, purity } };
export default plugin;
