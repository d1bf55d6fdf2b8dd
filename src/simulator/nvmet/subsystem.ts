/** One subsystem in configfs: what it is, how it is made and taken down. */
import type { LoopDevice } from "./loop_devices.ts";
import { SECTOR_BYTES } from "./loop_devices.ts";
import type { NvmetKernel } from "./machine.ts";
import type { WantedExport } from "./wanted_export.ts";

/** The one namespace a box gives each subsystem. */
const NAMESPACE = "namespaces/1";

/** The directory of a subsystem. */
export function subsystemPath(nqn: string): string {
  return `subsystems/${nqn}`;
}

/**
 * Whether a subsystem was made by the owner of `marker`. The model is the only attribute that can
 * carry a mark and changes nothing; the kernel's own value for it is "Linux".
 */
export async function isMarked(kernel: NvmetKernel, nqn: string, marker: string): Promise<boolean> {
  return (await kernel.tree.read(`${subsystemPath(nqn)}/attr_model`)).trimEnd() === marker;
}

/** The device a subsystem's namespace is on, or undefined when it has none. */
export async function deviceOf(kernel: NvmetKernel, nqn: string): Promise<string | undefined> {
  const { tree } = kernel;
  const names = await tree.list(`${subsystemPath(nqn)}/namespaces`);
  if (!names.includes("1")) return undefined;
  const path = await tree.read(`${subsystemPath(nqn)}/${NAMESPACE}/device_path`);
  return path.startsWith("/") ? path : undefined;
}

/**
 * Whether a subsystem can become the wanted one as it is. Serial, identity and data of an enabled
 * namespace cannot be changed below a host: such a subsystem has to be made anew.
 */
export async function canBecome(
  kernel: NvmetKernel,
  wanted: WantedExport,
  loops: readonly LoopDevice[],
): Promise<boolean> {
  const { tree } = kernel;
  const path = subsystemPath(wanted.nqn);
  if ((await tree.read(`${path}/attr_serial`)).trimEnd() !== wanted.serial) return false;
  if (!(await tree.list(`${path}/namespaces`)).includes("1")) return true;
  if (!await isEnabled(kernel, wanted.nqn)) return true;
  const uuid = await tree.read(`${path}/${NAMESPACE}/device_uuid`);
  const nguid = await tree.read(`${path}/${NAMESPACE}/device_nguid`);
  const device = await deviceOf(kernel, wanted.nqn);
  return digits(uuid) === digits(wanted.namespaceUuid) && digits(nguid) === digits(uuid) &&
    isLoopOf(loops.find((loop) => loop.path === device), wanted);
}

/**
 * Makes a subsystem, or what is missing of it, with its namespace enabled when it is to be. Nothing
 * can reach it before it is linked to a port. Idempotent.
 * @throws {Error} when there is one of this name that belongs to somebody else.
 */
export async function prepareSubsystem(
  kernel: NvmetKernel,
  wanted: WantedExport,
  marker: string,
  loops: readonly LoopDevice[],
): Promise<void> {
  await ensureSubsystem(kernel, wanted, marker);
  await ensureNamespace(kernel, wanted, loops);
  await allowHosts(kernel, wanted);
}

/** Takes a subsystem down that no port has any more; its loop device is left. Idempotent. */
export async function removeSubsystem(kernel: NvmetKernel, nqn: string): Promise<void> {
  const { tree } = kernel;
  const path = subsystemPath(nqn);
  if ((await tree.list(`${path}/namespaces`)).includes("1")) {
    if (await isEnabled(kernel, nqn)) await tree.write(`${path}/${NAMESPACE}/enable`, "0");
    await tree.removeDirectory(`${path}/${NAMESPACE}`);
  }
  for (const host of await tree.list(`${path}/allowed_hosts`)) {
    await tree.unlink(`${path}/allowed_hosts/${host}`);
  }
  await tree.removeDirectory(path);
}

/** The mark comes first, so that a kill right after it leaves nothing that nobody owns. */
async function ensureSubsystem(
  { tree, ...kernel }: NvmetKernel,
  wanted: WantedExport,
  marker: string,
): Promise<void> {
  const path = subsystemPath(wanted.nqn);
  const isThere = (await tree.list("subsystems")).includes(wanted.nqn);
  if (!isThere) await tree.makeDirectory(path);
  if (!isThere || !await isMarked({ tree, ...kernel }, wanted.nqn, marker)) {
    if ((await tree.list(`${path}/namespaces`)).length > 0) {
      throw new Error(`Cannot export "${wanted.nqn}": somebody else exports that name`);
    }
    await tree.write(`${path}/attr_model`, marker);
    await tree.write(`${path}/attr_serial`, wanted.serial);
  }
  if ((await tree.read(`${path}/attr_serial`)).trimEnd() !== wanted.serial) {
    await tree.write(`${path}/attr_serial`, wanted.serial);
  }
  if (wanted.leastControllerId !== undefined) {
    await tree.write(`${path}/attr_cntlid_min`, String(wanted.leastControllerId));
  }
}

async function ensureNamespace(
  kernel: NvmetKernel,
  wanted: WantedExport,
  loops: readonly LoopDevice[],
): Promise<void> {
  const { tree } = kernel;
  const path = `${subsystemPath(wanted.nqn)}/${NAMESPACE}`;
  const names = await tree.list(`${subsystemPath(wanted.nqn)}/namespaces`);
  if (!names.includes("1")) await tree.makeDirectory(path);
  const current = await deviceOf(kernel, wanted.nqn);
  const bound = loops.find((loop) => loop.path === current);
  if (await isEnabled(kernel, wanted.nqn)) {
    await takeOverSize(kernel, bound, wanted);
    // The kernel does not say which size it shows, so it is told to look again.
    await tree.write(`${path}/revalidate_size`, "1");
    return;
  }
  const loop = bound !== undefined && isLoopOf(bound, wanted)
    ? bound
    : await kernel.loops.attach(wanted.backingPath, wanted.offsetBytes);
  await takeOverSize(kernel, loop, wanted);
  await tree.write(`${path}/device_path`, loop.path);
  await tree.write(`${path}/device_uuid`, wanted.namespaceUuid);
  await tree.write(`${path}/device_nguid`, wanted.namespaceUuid);
  if (wanted.isEnabled) await tree.write(`${path}/enable`, "1");
}

/** Grows or shrinks the device with its file. @throws {Error} when the sizes still differ. */
async function takeOverSize(
  { loops }: NvmetKernel,
  loop: LoopDevice | undefined,
  wanted: WantedExport,
): Promise<void> {
  if (loop === undefined || loop.sizeBytes === wanted.sizeBytes) return;
  await loops.resize(loop.path);
  const now = (await loops.list()).find(({ path }) => path === loop.path);
  if (now?.sizeBytes === wanted.sizeBytes) return;
  throw new Error(
    `Cannot export "${wanted.nqn}" with ${wanted.sizeBytes} bytes: ` +
      `${loop.path} has ${now?.sizeBytes ?? 0}`,
  );
}

/**
 * Says who may connect. Sessions that are there go on, as nvmet has it. Between "every host" and a
 * list there is a moment in which nobody may connect: the kernel takes no list before.
 */
async function allowHosts({ tree }: NvmetKernel, wanted: WantedExport): Promise<void> {
  const path = subsystemPath(wanted.nqn);
  const current = await tree.list(`${path}/allowed_hosts`);
  const allowsAny = await tree.read(`${path}/attr_allow_any_host`) === "1";
  for (const host of current) {
    if (!wanted.allowedHosts.includes(host)) await tree.unlink(`${path}/allowed_hosts/${host}`);
  }
  if (wanted.allowedHosts.length === 0) {
    if (!allowsAny) await tree.write(`${path}/attr_allow_any_host`, "1");
    return;
  }
  if (allowsAny) await tree.write(`${path}/attr_allow_any_host`, "0");
  // The host objects stay when they are used no more: they are only names and may be others'.
  const known = await tree.list("hosts");
  for (const host of wanted.allowedHosts) {
    if (!known.includes(host)) await tree.makeDirectory(`hosts/${host}`);
    if (!current.includes(host)) await tree.link(`hosts/${host}`, `${path}/allowed_hosts`);
  }
}

async function isEnabled({ tree }: NvmetKernel, nqn: string): Promise<boolean> {
  return await tree.read(`${subsystemPath(nqn)}/${NAMESPACE}/enable`) === "1";
}

function isLoopOf(loop: LoopDevice | undefined, wanted: WantedExport): boolean {
  return loop?.backingPath === wanted.backingPath && loop.offsetBytes === wanted.offsetBytes &&
    loop.sectorBytes === SECTOR_BYTES;
}

/** The digits of a UUID or NGUID, however it is written. */
function digits(id: string): string {
  return id.trim().toLowerCase().replaceAll(/[^0-9a-f]/g, "");
}
