/**
 * What a box is and can do, found on every new connection by cheap questions. Whether a command
 * exists is asked of its parser: a line that would never run is refused when a word is unknown.
 */
import { StorageError } from "../../domain/errors.ts";
import { booleanOf, numberOf, parseObjects, putJson, textOf } from "./rows.ts";
import { Refusal } from "./session.ts";
import type { Ask } from "./session.ts";
import { failureOf, refusalKindOf } from "./failures.ts";
import type { RefusalKind } from "./failures.ts";
import { script } from "./syntax.ts";

/** What was found. */
export interface BoxFeatures {
  /** For example `7.24.4 (stable)`. */
  readonly version: string;
  /** Whether `/file/copy` exists (7.23 and later). */
  readonly hasFileCopy: boolean;
  /** Whether the user may run tests, for `monitor-traffic`; not needed for volumes. */
  readonly mayTest: boolean;
  /** Whether the box shares new disks by itself, which is a risk to be switched off. */
  readonly sharesDisksByItself: boolean;
}

/** The oldest version that names subsystems: before, an export is called after its slot. */
const VERSION_FLOOR: readonly [major: number, minor: number] = [7, 21];

/**
 * Looks at a box.
 * @param name of the array, for messages
 * @throws {StorageError} `not-ready` saying what is missing and what to do about it.
 */
export async function probeBox(
  ask: Ask,
  name: string,
  user: string,
  signal: AbortSignal,
): Promise<BoxFeatures> {
  const what = `Cannot use array "${name}"`;
  const version = await askVersion(ask, what, user, signal);
  checkVersion(version, what);
  const facts = await askFacts(ask, what, user, version, signal);
  return { version, ...facts, hasFileCopy: await hasFileCopy(ask, what, signal) };
}

/** The number of a version text, or undefined when it has none: `[7, 24]` of `7.24.4 (stable)`. */
export function parseVersion(text: string): [major: number, minor: number] | undefined {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

async function askVersion(
  ask: Ask,
  what: string,
  user: string,
  signal: AbortSignal,
): Promise<string> {
  const line = putJson(script`{"version"=[/system/resource/get version]}`);
  const [row] = parseObjects(await explained(ask(line, what, signal), what, user, "(unknown)"));
  return textOf(row?.["version"]) ?? "";
}

function checkVersion(version: string, what: string): void {
  const [major, minor] = parseVersion(version) ?? [0, 0];
  const [floorMajor, floorMinor] = VERSION_FLOOR;
  if (major > floorMajor || (major === floorMajor && minor >= floorMinor)) return;
  throw new StorageError(
    "not-ready",
    `${what}: it runs RouterOS "${version}" and at least ${floorMajor}.${floorMinor} is needed; ` +
      `upgrade it with /system/package/update`,
  );
}

/** Names every argument we need where it can never run. */
const STORAGE_WORDS = script`:if (false) do={ /disk/add type=file slot="x" file-path="x" file-size=1
  mount-filesystem=no nvme-tcp-export=no nvme-tcp-server-nqn="x" nvme-tcp-server-port=1 };`;

/** Writes nothing to no item, which needs the policy all the same. */
const WRITE_NOTHING = script`/disk/set [/disk/find where slot="csi-there-is-none"] comment="";`;

async function askFacts(
  ask: Ask,
  what: string,
  user: string,
  version: string,
  signal: AbortSignal,
): Promise<Pick<BoxFeatures, "mayTest" | "sharesDisksByItself">> {
  const facts = script`${STORAGE_WORDS} ${WRITE_NOTHING}
    :local rights ""; :local shares false;
    :onerror x in={ :set shares [/disk/settings/get auto-smb-sharing] } do={ :set shares false };
    :onerror x in={
      :local grp [/user/get [/user/find where name=${user}] group];
      :set rights [:tostr [/user/group/get [/user/group/find where name=$grp] policy]]
    } do={ :set rights "" };
    ${putJson(script`{"disks"=[:len [/disk/find]]; "rights"=$rights; "shares"=$shares}`)}`;
  const [row] = parseObjects(await explained(ask(facts, what, signal), what, user, version));
  if (numberOf(row?.["disks"]) === undefined) {
    throw new StorageError("unavailable", `${what}: it does not say how many disks it has`);
  }
  const rights = (textOf(row?.["rights"]) ?? "").split(/[,;]/);
  return {
    mayTest: rights.includes("test"),
    sharesDisksByItself: booleanOf(row?.["shares"]) ?? false,
  };
}

/** A refusal in the words of somebody who has to do something about it. */
async function explained(
  lines: Promise<readonly string[]>,
  what: string,
  user: string,
  version: string,
): Promise<readonly string[]> {
  try {
    return await lines;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const advice = ADVICE[refusalKindOf(error.text)];
    if (advice === undefined) throw failureOf(error.text, what);
    const message = `${what}: ${advice(user, version)} (it says: ${error.text})`;
    throw new StorageError("not-ready", message, { cause: error });
  }
}

const ADVICE: Readonly<
  Partial<Record<RefusalKind, (user: string, version: string) => string>>
> = {
  "permission": (user) => `user "${user}" needs the policies ssh, read and write`,
  "unknown-words": (_user, version) =>
    `RouterOS ${version} does not know file disks exported over NVMe/TCP; ` +
    `install the package rose-storage`,
};

async function hasFileCopy(ask: Ask, what: string, signal: AbortSignal): Promise<boolean> {
  try {
    await ask(script`:if (false) do={ /file/copy "x" name="y" };`, what, signal);
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (refusalKindOf(error.text) === "unknown-words") return false;
    throw failureOf(error.text, what);
  }
}
