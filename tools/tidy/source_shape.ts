/**
 * What a TypeScript file looks like from outside: its functions, its exports, what it refers to.
 * Parsed by the linter of Deno, which is there in tests only.
 */

/** A function and how long it is. */
export interface FunctionShape {
  readonly name: string;
  readonly line: number;
  readonly lineCount: number;
}

/** One file. */
export interface SourceShape {
  readonly lineCount: number;
  readonly functions: readonly FunctionShape[];
  /** Exported names without a doc comment right before them. */
  readonly undocumented: readonly string[];
  /** Every text that could name another source file, as it is written. */
  readonly references: readonly string[];
}

type Node = Deno.lint.Node;

/** The shape of the file `text`. */
export function shapeOf(text: string): SourceShape {
  const functions: FunctionShape[] = [];
  const undocumented: string[] = [];
  const references: string[] = [];
  const addFunction = (node: Node): void => {
    functions.push({
      name: nameOf(node),
      line: countLines(text.slice(0, node.range[0])),
      lineCount: countLines(text.slice(...node.range)),
    });
  };
  const visitor: Deno.lint.LintVisitor = {
    FunctionDeclaration: addFunction,
    FunctionExpression: addFunction,
    ArrowFunctionExpression: addFunction,
    ExportNamedDeclaration(node): void {
      if (node.declaration === null || isDocumented(text, node.range[0])) return;
      undocumented.push(...namesOf(node.declaration));
    },
    Literal(node): void {
      if (typeof node.value === "string" && node.value.endsWith(".ts")) references.push(node.value);
    },
  };
  const rule: Deno.lint.Rule = { create: () => visitor };
  Deno.lint.runPlugin({ name: "shape", rules: { shape: rule } }, "file.ts", text);
  return { lineCount: countLines(text.trimEnd()), functions, undocumented, references };
}

/** Whether a doc comment ends right before `offset`. */
function isDocumented(text: string, offset: number): boolean {
  const before = text.slice(0, offset).trimEnd();
  if (!before.endsWith("*/")) return false;
  return before.startsWith("/**", before.lastIndexOf("/*"));
}

function namesOf(declaration: Node): string[] {
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.map(({ id }) => id.type === "Identifier" ? id.name : id.type);
  }
  return [nameOf(declaration)];
}

function nameOf(node: Node): string {
  if ("id" in node && isNode(node.id) && node.id.type === "Identifier") return node.id.name;
  const parent = "parent" in node && isNode(node.parent) ? node.parent : undefined;
  if (parent?.type === "MethodDefinition" && parent.key.type === "Identifier") {
    return parent.key.name;
  }
  if (parent?.type === "VariableDeclarator" && parent.id.type === "Identifier") {
    return parent.id.name;
  }
  return "a function";
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

function countLines(text: string): number {
  return text.split("\n").length;
}
