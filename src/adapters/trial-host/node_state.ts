/**
 * What a trial node knows of itself, kept in its state directory in place of a kernel's tables:
 * connections, and what is mounted or shown where. One process uses a state directory at a time.
 */
import { join } from "node:path";
import { deviceNumberOf } from "../../domain/block_device.ts";
import type { DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { isMissing, statIfPresent } from "./paths.ts";

/** A connection: a disk that was found under an NQN, and the device that it became. */
export interface SessionRecord {
  readonly nqn: string;
  readonly number: DeviceNumber;
  readonly backingPath: string;
  /** The TCP port that it would be connected to. */
  readonly port: number;
  /** With this the file counts as the same; another under its name is another device. */
  readonly inode: number;
  /** As the node saw it last: a kernel, too, learns of a new size only by a rescan. */
  readonly sizeBytes: number;
}

/** Something that is shown at a path, by a symbolic link there. */
export interface UseRecord {
  readonly path: string;
  readonly number: DeviceNumber;
  readonly isReadOnly: boolean;
  /** Where the link leads. */
  readonly link: string;
  /** Absent for a block device. */
  readonly mount?: { readonly fileSystem: string; readonly options: readonly string[] };
}

interface Tables {
  readonly schema: 1;
  readonly hostId: string;
  readonly nextMinor: number;
  readonly sessions: readonly SessionRecord[];
  readonly uses: readonly UseRecord[];
}

const FILE_NAME = "trial-host.json";
/** The kernel has no devices under this number. */
const MAJOR = 0;

/** The tables of one trial node. Every change is on the disk before its promise is fulfilled. */
export class NodeState {
  readonly #directory: string;
  #tables: Tables;
  #saved: Promise<void> = Promise.resolve();

  private constructor(directory: string, tables: Tables) {
    this.#directory = directory;
    this.#tables = tables;
  }

  /**
   * The state in `directory`, which is made when missing.
   * @throws {StorageError} `invalid` when it is of another schema.
   */
  static async open(directory: string): Promise<NodeState> {
    await Deno.mkdir(join(directory, "mounted"), { recursive: true });
    const tables = await readTables(join(directory, FILE_NAME));
    const state = new NodeState(directory, tables);
    // Who only looks must not write back what a node that serves has changed meanwhile.
    if (await statIfPresent(join(directory, FILE_NAME)) === undefined) await state.#change({});
    return state;
  }

  get hostId(): string {
    return this.#tables.hostId;
  }

  get sessions(): readonly SessionRecord[] {
    return this.#tables.sessions;
  }

  /** Where the files of a mounted device lie. */
  contentDirectoryOf(number: DeviceNumber): string {
    return join(this.#directory, "mounted", number.replace(":", "-"));
  }

  /** Whether a link leads to something that only this node makes links to. */
  isOurLink(link: string): boolean {
    return link.startsWith(`${join(this.#directory, "mounted")}/`) ||
      this.#tables.uses.some((use) => use.link === link) ||
      this.#tables.sessions.some(({ backingPath }) => backingPath === link);
  }

  /**
   * The uses in force: those whose link is there. A record without its link is what a release that
   * was cut off has left.
   */
  async uses(): Promise<UseRecord[]> {
    const uses: UseRecord[] = [];
    for (const use of this.#tables.uses) {
      if (await linkAt(use.path) === use.link) uses.push(use);
    }
    return uses;
  }

  /** The use in force at a path. */
  async useAt(path: string): Promise<UseRecord | undefined> {
    const use = this.#tables.uses.find((each) => each.path === path);
    return use !== undefined && await linkAt(path) === use.link ? use : undefined;
  }

  /** The state of the device of a session: gone when its file is, or is another by now. */
  async isPresent({ backingPath, inode }: SessionRecord): Promise<boolean> {
    return (await statIfPresent(backingPath))?.ino === inode;
  }

  /** The session whose device has this number and is present. */
  async sessionOf(number: DeviceNumber): Promise<SessionRecord | undefined> {
    const session = this.#tables.sessions.find((each) => each.number === number);
    return session !== undefined && await this.isPresent(session) ? session : undefined;
  }

  /** Records a connection under a number that was never used before, in place of an older one. */
  async addSession(found: Omit<SessionRecord, "number">): Promise<SessionRecord> {
    const { sessions, nextMinor } = this.#tables;
    const session = { ...found, number: deviceNumberOf(MAJOR, nextMinor) };
    const others = sessions.filter(({ nqn }) => nqn !== session.nqn);
    await this.#change({ sessions: [...others, session], nextMinor: nextMinor + 1 });
    return session;
  }

  async updateSession(session: SessionRecord): Promise<void> {
    const others = this.#tables.sessions.filter(({ nqn }) => nqn !== session.nqn);
    await this.#change({ sessions: [...others, session] });
  }

  async dropSession(nqn: string): Promise<void> {
    await this.#change({ sessions: this.#tables.sessions.filter((each) => each.nqn !== nqn) });
  }

  async addUse(use: UseRecord): Promise<void> {
    const others = this.#tables.uses.filter(({ path }) => path !== use.path);
    await this.#change({ uses: [...others, use] });
  }

  async dropUse(path: string): Promise<void> {
    await this.#change({ uses: this.#tables.uses.filter((each) => each.path !== path) });
  }

  /** Changes the tables at once and waits until they are written; writes are one after another. */
  async #change(part: Partial<Tables>): Promise<void> {
    this.#tables = { ...this.#tables, ...part };
    const written = this.#saved.catch(() => {}).then(() => this.#save());
    this.#saved = written;
    await written;
  }

  async #save(): Promise<void> {
    const path = join(this.#directory, FILE_NAME);
    const text = `${JSON.stringify(this.#tables, undefined, 2)}\n`;
    await Deno.writeTextFile(`${path}.new`, text, { mode: 0o600 });
    await Deno.rename(`${path}.new`, path);
  }
}

async function readTables(path: string): Promise<Tables> {
  try {
    const tables = JSON.parse(await Deno.readTextFile(path)) as Tables;
    if (tables.schema === 1) return tables;
    throw new StorageError(
      "invalid",
      `Cannot use the node state "${path}": its schema is ${tables.schema}, not 1`,
    );
  } catch (error) {
    if (!isMissing(error)) throw error;
    const hostId = crypto.randomUUID();
    return { schema: 1, hostId, nextMinor: 1, sessions: [], uses: [] };
  }
}

async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(path);
  } catch {
    return undefined; // nothing there, or no link
  }
}
