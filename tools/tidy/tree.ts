/** The files of the repository, read once. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of the repository. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Files by their path from the root, with `/` between the parts. */
export type Tree = ReadonlyMap<string, string>;

const SKIPPED_DIRECTORIES: ReadonlySet<string> = new Set([
  ...[".git", ".cache", "dist", "coverage", "node_modules"],
]);
const TEXT = /(\.(ts|js|json|md|proto|yaml|yml|txt|sh)|\/run|LICENSE|Containerfile)$/;
/** More files than this repository will have; a link that leads up again must not run for ever. */
const FILES_MAX = 20_000;

/** Every text file below `root`. @throws {RangeError} when there are too many */
export async function readTree(root: string = ROOT): Promise<Tree> {
  const tree = new Map<string, string>();
  await readInto(tree, root, "");
  return new Map([...tree].sort(([left], [right]) => left < right ? -1 : 1));
}

async function readInto(tree: Map<string, string>, root: string, prefix: string): Promise<void> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(join(root, prefix))) {
    const path = `${prefix}${name}`;
    if (isDirectory && !SKIPPED_DIRECTORIES.has(name)) await readInto(tree, root, `${path}/`);
    if (isFile && TEXT.test(path)) tree.set(path, await Deno.readTextFile(join(root, path)));
    if (tree.size > FILES_MAX) throw new RangeError(`Cannot read more than ${FILES_MAX} files`);
  }
}
