/**
 * Kernel packages of Debian, found and downloaded through a private state of apt: nothing is
 * installed, and the machine's own lists are not touched.
 */
import { join } from "node:path";
import { runHostProgram } from "./host_program.ts";

/** Where this machine says which archives it uses: both of apt's notations. */
const SOURCES_DIRECTORY = "/etc/apt/sources.list.d";
const SOURCES_FILE = "/etc/apt/sources.list";
/** The releases that carry the kernels; none of them becomes a source of the machine. */
const SUITES: readonly string[] = ["bookworm", "trixie", "sid"];
const UPDATE_MS = 300_000;
const DOWNLOAD_MS = 900_000;
const SEARCH_MS = 60_000;
/** Lists that are newer than this are not fetched again. */
const LISTS_AGE_MS = 60 * 60_000;

/** One archive as this machine uses it. */
export interface Archive {
  readonly uri: string;
  readonly suites: readonly string[];
  /** The key ring's path; empty: apt's own choice. */
  readonly signedBy: string;
}

/** A private state of apt below one directory. */
export class PackageSource {
  readonly #directory: string;
  readonly #print: (line: string) => void;

  /** `print` is told what is fetched. */
  constructor(directory: string, print: (line: string) => void) {
    this.#directory = directory;
    this.#print = print;
  }

  /** Fetches the lists of the archives, unless that was done within the hour. @throws {Error} */
  async update(): Promise<void> {
    const stamp = join(this.#directory, "updated");
    const last = await Deno.stat(stamp).catch(() => undefined);
    if (Date.now() - (last?.mtime?.getTime() ?? 0) < LISTS_AGE_MS) return;
    for (const name of ["parts", "lists/partial", "cache/archives/partial"]) {
      await Deno.mkdir(join(this.#directory, name), { recursive: true });
    }
    const archives = withSuites(await archivesOfMachine(), SUITES);
    for (const { uri, suites } of archives) this.#print(`lists of ${uri} ${suites.join(" ")}`);
    await Deno.writeTextFile(join(this.#directory, "parts/lab.sources"), stanzasOf(archives));
    await this.#apt("apt-get", ["--error-on=any", "update"], UPDATE_MS);
    await Deno.writeTextFile(stamp, "");
  }

  /** The names of the packages that match a regular expression of apt. @throws {Error} */
  async search(pattern: string): Promise<string[]> {
    const text = await this.#apt("apt-cache", ["search", "--names-only", pattern], SEARCH_MS);
    return text.split("\n").filter((line) => line !== "").map((line) =>
      line.split(" ", 1)[0] ?? ""
    );
  }

  /** Downloads a package and unpacks it into `target`. @throws {Error} */
  async unpack(name: string, target: string): Promise<void> {
    const directory = await Deno.makeTempDir({ dir: this.#directory, prefix: "download-" });
    try {
      this.#print(`package ${name}`);
      await this.#apt("apt-get", ["download", name], DOWNLOAD_MS, directory);
      for await (const file of Deno.readDir(directory)) {
        const argv = ["dpkg", "-x", join(directory, file.name), target];
        await runHostProgram(argv, { deadlineMs: DOWNLOAD_MS });
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }

  async #apt(
    program: string,
    args: readonly string[],
    deadlineMs: number,
    directory = this.#directory,
  ): Promise<string> {
    const settings = {
      "Dir::Etc::sourcelist": "/dev/null",
      "Dir::Etc::sourceparts": join(this.#directory, "parts"),
      "Dir::State::lists": join(this.#directory, "lists"),
      "Dir::Cache": join(this.#directory, "cache"),
      // Its own user may not enter a directory below somebody's home.
      "APT::Sandbox::User": "root",
      "Acquire::Retries": "3",
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    return await runHostProgram([program, ...options, "-q", ...args], { deadlineMs, directory });
  }
}

/** The Debian archives in a text of apt's sources, in either notation. */
export function archivesIn(text: string): Archive[] {
  return [...stanzasIn(text), ...linesIn(text)]
    .filter(({ uri }) => /\/debian(-security)?\/?$/.test(uri));
}

/** The same archives, with `suites` added to the main one where they are not there yet. */
export function withSuites(archives: readonly Archive[], suites: readonly string[]): Archive[] {
  const main = archives.find(({ uri }) => /\/debian\/?$/.test(uri));
  if (main === undefined) {
    throw new Error(
      `Cannot fetch kernels: ${SOURCES_DIRECTORY} and ${SOURCES_FILE} name no archive of Debian`,
    );
  }
  const known = archives.filter(({ uri }) => uri === main.uri).flatMap((archive) => archive.suites);
  const missing = suites.filter((suite) => !known.includes(suite));
  return missing.length === 0 ? [...archives] : [...archives, { ...main, suites: missing }];
}

function stanzasIn(text: string): Archive[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string =>
      new RegExp(`^${name}:[ \t]*(.*)$`, "im").exec(stanza)?.[1]?.trim() ?? "";
    if (!/\bdeb\b/.test(field("Types")) || /^no$/i.test(field("Enabled"))) return [];
    const suites = field("Suites").split(/\s+/);
    return field("URIs").split(/\s+/).map((uri) => ({ uri, suites, signedBy: field("Signed-By") }));
  });
}

function linesIn(text: string): Archive[] {
  return text.split("\n").flatMap((line) => {
    const found = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s/.exec(line);
    if (found === null) return [];
    const [, options = "", uri = "", suite = ""] = found;
    return [{ uri, suites: [suite], signedBy: /signed-by=(\S+)/.exec(options)?.[1] ?? "" }];
  });
}

function stanzasOf(archives: readonly Archive[]): string {
  return archives.map(({ uri, suites, signedBy }) =>
    [
      "Types: deb",
      `URIs: ${uri}`,
      `Suites: ${suites.join(" ")}`,
      "Components: main",
      ...(signedBy === "" ? [] : [`Signed-By: ${signedBy}`]),
    ].join("\n")
  ).join("\n\n") + "\n";
}

async function archivesOfMachine(): Promise<Archive[]> {
  const files = [SOURCES_FILE];
  try {
    for await (const { name } of Deno.readDir(SOURCES_DIRECTORY)) {
      if (/\.(sources|list)$/.test(name)) files.push(join(SOURCES_DIRECTORY, name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file).catch(() => "")));
  return texts.flatMap(archivesIn);
}
