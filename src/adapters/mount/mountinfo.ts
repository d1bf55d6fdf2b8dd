/** What `/proc/self/mountinfo` says, line by line. Pure. */

/** One mount, as the kernel lists it. Numbers of devices are `major:minor`. */
export interface MountEntry {
  readonly id: number;
  readonly parentId: number;
  /** The number of the file system; anonymous (`0:N`) where it has devices of its own, as btrfs. */
  readonly number: string;
  /** What of the file system is shown: `/`, or the path of the directory that was bound. */
  readonly root: string;
  /** Where it is mounted. */
  readonly path: string;
  /** The directory it was mounted on was removed meanwhile: no path leads to it any more. */
  readonly isDeleted: boolean;
  /** The options of this mount. */
  readonly mountOptions: readonly string[];
  readonly fileSystem: string;
  readonly source: string;
  /** The options of the file system, which all its mounts share. */
  readonly superOptions: readonly string[];
}

const DELETED_MARK = "//deleted";
/** The kernel writes white space and backslashes in names as three octal digits. */
const ESCAPE = /\\([0-7]{3})/g;
/** Fields before the optional ones, whose end a lone hyphen marks. */
const FIXED_FIELDS = 6;

/**
 * Every mount in the order of the list, which is the order they were mounted in. Lines that are not
 * understood are left out: a kernel may say more than we know, and never less.
 */
export function parseMountinfo(text: string): MountEntry[] {
  return text.split("\n").map(parseLine).filter((entry) => entry !== undefined);
}

/**
 * The mount that a path leads to when it is one's mount point: follows the path through the mounts
 * as the kernel does. Of several in the table with that path, others can lie below it, or below a
 * mount on a directory above, which often is the same directory once more.
 */
export function topmostAt(entries: readonly MountEntry[], path: string): MountEntry | undefined {
  const ids = new Set(entries.map(({ id }) => id));
  const isRoot = (entry: MountEntry): boolean =>
    entry.path === "/" && (!ids.has(entry.parentId) || entry.parentId === entry.id);
  let found = entries.findLast(isRoot);
  for (let depth = 0; found !== undefined && depth < entries.length; depth++) {
    const next = nextOn(entries, found, path);
    if (next === undefined) break;
    found = next;
  }
  return found?.path === path ? found : undefined;
}

/**
 * Where a mount is mounted, apart from the path: the directory of the file system above. A mount
 * that the kernel repeated where that directory is shown once more has the same place.
 */
export function placeOf(entry: MountEntry, entries: readonly MountEntry[]): string {
  const above = entries.find(({ id }) => id === entry.parentId);
  if (above === undefined) return entry.path;
  const inside = above.path === "/" ? entry.path : entry.path.slice(above.path.length);
  return `${above.number} ${above.root === "/" ? "" : above.root}${inside}`;
}

/** Mounts below a path, which keep it busy. */
export function mountsBelow(entries: readonly MountEntry[], path: string): MountEntry[] {
  return entries.filter((entry) => !entry.isDeleted && entry.path.startsWith(`${path}/`));
}

/** The first mount on the way from a mount to a path; one on its own root comes first. */
function nextOn(
  entries: readonly MountEntry[],
  from: MountEntry,
  path: string,
): MountEntry | undefined {
  let nearest: MountEntry | undefined;
  for (const entry of entries) {
    if (entry.parentId !== from.id || entry.id === from.id || entry.isDeleted) continue;
    if (path !== entry.path && !path.startsWith(entry.path === "/" ? "/" : `${entry.path}/`)) {
      continue;
    }
    if (nearest === undefined || entry.path.length < nearest.path.length) nearest = entry;
  }
  return nearest;
}

function parseLine(line: string): MountEntry | undefined {
  const fields = line.split(" ");
  const end = fields.indexOf("-", FIXED_FIELDS);
  const [id, parentId, number, root, path, mountOptions] = fields;
  if (end === -1 || path === undefined || root === undefined || number === undefined) return;
  // An empty source leaves two spaces, and so an empty field.
  const [fileSystem, source = "", superOptions = ""] = fields.slice(end + 1);
  if (fileSystem === undefined || !/^\d+:\d+$/.test(number)) return undefined;
  const isDeleted = path.endsWith(DELETED_MARK);
  return {
    id: Number(id),
    parentId: Number(parentId),
    number,
    root: unescaped(root),
    path: unescaped(isDeleted ? path.slice(0, -DELETED_MARK.length) : path),
    isDeleted,
    mountOptions: (mountOptions ?? "").split(","),
    fileSystem: unescaped(fileSystem),
    source: unescaped(source),
    superOptions: superOptions.split(",").map(unescaped),
  };
}

/** Escapes are bytes: a name that is not UTF-8 is read as the runtime reads it everywhere. */
function unescaped(text: string): string {
  return text.replace(ESCAPE, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
