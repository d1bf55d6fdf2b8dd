import assert from "node:assert/strict";
import plugin from "../../../tools/lint_layers.ts";

const IMPORTS: { file: string; code: string; says: RegExp | undefined }[] = [
  { file: "domain/a.ts", code: 'import { b } from "./b.ts";', says: undefined },
  {
    file: "domain/a.ts",
    code: 'import type { C } from "../ports/c.ts";',
    says: /must not import ports\/c\.ts; the domain only decides/,
  },
  {
    file: "domain/a.ts",
    code: 'import { sha1 } from "@noble/hashes/legacy";',
    says: /package @noble/,
  },
  {
    file: "domain/digest.ts",
    code: 'import { sha1 } from "@noble/hashes/legacy";',
    says: undefined,
  },
  { file: "domain/a.ts", code: 'import fs from "node:fs";', says: /node:fs/ },
  {
    file: "domain/a.ts",
    code: 'export { x } from "../adapters/nvme/x.ts";',
    says: /adapters\/nvme/,
  },
  { file: "domain/a.ts", code: 'export * from "../application/x.ts";', says: /application\/x/ },
  { file: "domain/a.ts", code: 'await import("../main.ts");', says: /main\.ts/ },
  { file: "ports/a.ts", code: 'import type { V } from "../domain/v.ts";', says: undefined },
  { file: "ports/a.ts", code: 'import { V } from "../domain/v.ts";', says: /must use import type/ },
  { file: "application/a.ts", code: 'import type { P } from "../ports/p.ts";', says: undefined },
  {
    file: "application/a.ts",
    code: 'import { x } from "../adapters/memory/x.ts";',
    says: /for tests/,
  },
  {
    file: "application/a.ts",
    code: 'import { x } from "../adapters/nvme/x.ts";',
    says: /through a port/,
  },
  {
    file: "adapters/nvme/a.ts",
    code: 'import { b } from "./sub/b.ts"; import "node:net"; import "ssh2";',
    says: undefined,
  },
  {
    file: "adapters/nvme/a.ts",
    code: 'import { b } from "../mount/b.ts";',
    says: /must not import adapters\/mount\/b\.ts; if two adapters/,
  },
  {
    file: "adapters/nvme/a.ts",
    code: 'import { b } from "../nvme-x/b.ts";',
    says: /adapters\/nvme-x/,
  },
  { file: "adapters/nvme/a.ts", code: 'import { b } from "../memory/b.ts";', says: /for tests/ },
  {
    file: "adapters/nvme/a.ts",
    code: 'import { b } from "../../application/b.ts";',
    says: /application\/b/,
  },
  {
    file: "adapters/csi-grpc/a.ts",
    code: 'import { b } from "../../application/b.ts";',
    says: undefined,
  },
  {
    file: "adapters/csi-grpc/a.ts",
    code: 'import { b } from "../routeros-ssh/b.ts";',
    says: /routeros-ssh/,
  },
  { file: "adapters/memory/a.ts", code: 'import { b } from "./b.ts";', says: undefined },
  {
    file: "simulator/a/b.ts",
    code: 'import { c } from "../c.ts"; import "ssh2";',
    says: undefined,
  },
  {
    file: "simulator/a/b.ts",
    code: 'import { c } from "../../domain/c.ts";',
    says: /knows nothing of the driver/,
  },
  {
    file: "adapters/routeros-ssh/a.ts",
    code: 'import { c } from "../../simulator/c.ts";',
    says: /simulator\/c/,
  },
  { file: "cli/simulate.ts", code: 'import { c } from "../simulator/c.ts";', says: undefined },
  { file: "cli/simulate.ts", code: 'import { c } from "../domain/c.ts";', says: /domain\/c/ },
  {
    file: "cli/controller.ts",
    code: 'import { c } from "../adapters/csi-grpc/c.ts";',
    says: undefined,
  },
  { file: "cli/controller.ts", code: 'import { c } from "../simulator/c.ts";', says: /simulator/ },
  {
    file: "cli/controller.ts",
    code: 'import { c } from "../adapters/memory/c.ts";',
    says: /for tests/,
  },
  {
    file: "config/config.ts",
    code: 'import "./field.ts"; import "yaml"; import "../domain/x.ts";',
    says: undefined,
  },
  {
    file: "config/config.ts",
    code: 'import "../adapters/x/y.ts";',
    says: /configuration is values/,
  },
  { file: "utils.ts", code: 'import "./config/config.ts";', says: /has no place in the layers/ },
];

for (const { file, code, says } of IMPORTS) {
  const verb = says === undefined ? "allows" : "refuses";
  Deno.test(`layers/imports ${verb} in src/${file}: ${code}`, () => {
    const findings = Deno.lint.runPlugin(plugin, `src/${file}`, code);
    if (says === undefined) return assert.deepEqual(findings, []);
    assert.equal(findings.length, 1);
    assert.equal(findings[0]?.id, "layers/imports");
    assert.match(findings[0]?.message ?? "", says);
  });
}

const PURITY: { file: string; code: string; says: RegExp | undefined }[] = [
  { file: "src/domain/a.ts", code: "Date.now();", says: /take `nowMs` as an argument/ },
  { file: "src/domain/a.ts", code: "new Date();", says: /take `nowMs` as an argument/ },
  { file: "src/domain/a.ts", code: "new Date(5);", says: undefined },
  { file: "src/domain/a.ts", code: "const r = Math.random;", says: /take `jitter`/ },
  { file: "src/domain/a.ts", code: "Math.floor(1.5);", says: undefined },
  { file: "src/application/a.ts", code: "Date.now();", says: undefined },
  { file: "tests/unit/domain/a.ts", code: "Date.now();", says: undefined },
];

for (const { file, code, says } of PURITY) {
  const verb = says === undefined ? "allows" : "refuses";
  Deno.test(`layers/purity ${verb} in ${file}: ${code}`, () => {
    const findings = Deno.lint.runPlugin(plugin, file, code);
    assert.equal(findings.length, says === undefined ? 0 : 1);
    if (says !== undefined) assert.match(findings[0]?.message ?? "", says);
  });
}
