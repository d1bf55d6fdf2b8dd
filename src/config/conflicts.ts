/** What several backends must not have in common. Pure. */
import type { BackendConfig, Config } from "./shape.ts";
import { showPortRange } from "./values.ts";

/** Every contradiction between the backends of a configuration, or between one and itself. */
export function backendConflicts(config: Config): string[] {
  return [
    ...defaultConflicts(config),
    ...config.backends.flatMap(poolConflicts),
    ...pairConflicts(config.backends),
  ];
}

function defaultConflicts({ defaultBackend, backends }: Config): string[] {
  const names = backends.map(({ name }) => name).join(", ");
  if (defaultBackend === "") {
    return [
      `defaultBackend: it is missing, and there are ${backends.length} backends: write one of ${names}`,
    ];
  }
  if (backends.some(({ name }) => name === defaultBackend)) return [];
  return [`defaultBackend: "${defaultBackend}" is not allowed: write one of ${names}`];
}

/** Free space is measured on one pool, so all directories of a backend are on it. */
function poolConflicts({ basePath, allowedBasePaths }: BackendConfig, index: number): string[] {
  const pool = poolOf(basePath);
  return allowedBasePaths.filter((path) => poolOf(path) !== pool).map((path) =>
    `backends[${index}].allowedBasePaths: "${path}" is not on the pool of basePath, "${pool}"`
  );
}

function poolOf(path: string): string {
  return `/${path.split("/")[1] ?? ""}`;
}

function pairConflicts(backends: readonly BackendConfig[]): string[] {
  return backends.flatMap((right, index) =>
    backends.slice(0, index).flatMap((left, earlier) =>
      conflictsOf({ left, right, paths: [`backends[${earlier}]`, `backends[${index}]`] })
    )
  );
}

interface Pair {
  readonly left: BackendConfig;
  readonly right: BackendConfig;
  readonly paths: readonly [left: string, right: string];
}

function conflictsOf(pair: Pair): string[] {
  const { left, right, paths: [leftPath, rightPath] } = pair;
  const problems: string[] = [];
  if (left.name === right.name) {
    problems.push(`${rightPath}.name: "${right.name}" is already the name of ${leftPath}`);
  }
  if (isSameBox(left, right)) {
    const shared = sharedDirectory(left, right);
    if (shared !== undefined) {
      problems.push(
        `${rightPath}.basePath: ${leftPath} is on the same array and uses "${shared}" too`,
      );
    }
  }
  if (left.storageAddress === right.storageAddress && overlap(left, right)) {
    problems.push(
      `${rightPath}.nvmePorts: ${showPortRange(right.nvmePorts)} overlaps ` +
        `${showPortRange(left.nvmePorts)} of ${leftPath} on the same storageAddress`,
    );
  }
  return problems;
}

function isSameBox(left: BackendConfig, right: BackendConfig): boolean {
  return left.address.toLowerCase() === right.address.toLowerCase() && left.port === right.port;
}

/** A directory that both use: the same one, or one inside the other. */
function sharedDirectory(left: BackendConfig, right: BackendConfig): string | undefined {
  const theirs = [left.basePath, ...left.allowedBasePaths];
  return [right.basePath, ...right.allowedBasePaths].find((mine) =>
    theirs.some((other) => `${mine}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${mine}/`))
  );
}

/** One port for all volumes may be shared: there, NQNs tell them apart. */
function overlap(left: BackendConfig, right: BackendConfig): boolean {
  const [mine, theirs] = [left.nvmePorts, right.nvmePorts];
  if (mine.first === mine.last && theirs.first === theirs.last) return false;
  return mine.first <= theirs.last && theirs.first <= mine.last;
}
