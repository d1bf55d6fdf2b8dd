/**
 * The Go programs and modules that tests use, pinned in this one file. They are built once into a
 * cache outside the repository.
 */
import { join } from "node:path";

/** A program that `go install` builds: its package, at its version. */
interface GoProgram {
  readonly package: string;
  readonly version: string;
}

/** Programs by the name of their binary. */
export const GO_PROGRAMS: { readonly "csi-sanity": GoProgram } = {
  "csi-sanity": {
    package: "github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity",
    version: "v5.5.0",
  },
};

/** The cache: `$XDG_CACHE_HOME/rds-csi`, or the same below `~/.cache`. */
export function cacheDirectory(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/root", ".cache");
  return join(home, "rds-csi");
}

/**
 * The path of a Go program, built first when the cache has none of that version.
 * @throws {Error} with what `go` said when it cannot be built.
 */
export async function ensureGoProgram(name: keyof typeof GO_PROGRAMS): Promise<string> {
  const { package: path, version } = GO_PROGRAMS[name];
  const directory = join(cacheDirectory(), "go", `${name}-${version}`);
  const binary = join(directory, name);
  if (await isFile(binary)) return binary;
  await Deno.mkdir(directory, { recursive: true });
  const { success, stderr } = await new Deno.Command("go", {
    args: ["install", `${path}@${version}`],
    env: { GOBIN: directory },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return binary;
  throw new Error(`Cannot build ${name} ${version}: ${new TextDecoder().decode(stderr)}`);
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((entry) => entry.isFile, () => false);
}
