/**
 * What sysfs says of NVMe controllers, subsystems and namespaces. Read afresh at each call, by the
 * names the kernel gives and never by arithmetic on them: controller, subsystem and namespace are
 * numbered independently of each other.
 */
import type { DeviceNumber } from "../../domain/block_device.ts";
import { deviceNumberOf } from "../../domain/block_device.ts";
import type { TransportAddress } from "../../domain/nvme.ts";
import type { KernelFiles } from "./kernel_files.ts";

/** One controller: a connection of a host to a subsystem. */
export interface Controller {
  /** The kernel's name, for example `nvme3`. */
  readonly name: string;
  readonly nqn: string;
  readonly hostNqn: string | undefined;
  readonly hostId: string | undefined;
  /** As the kernel says it: `live`, `connecting`, `deleting (no IO)` and others. */
  readonly state: string;
  readonly transport: string;
  /** `io`, or `discovery` for one that lists subsystems. */
  readonly type: string;
  readonly at: TransportAddress | undefined;
  /** Paths to namespaces (`nvme0c3n1`), and devices where there is no multipath head. */
  readonly namespaces: readonly Namespace[];
}

/** One subsystem as the kernel knows it, with or without controllers. */
export interface Subsystem {
  readonly name: string;
  readonly nqn: string;
  /** The multipath heads (`nvme0n1`): the devices that programs use. */
  readonly heads: readonly Namespace[];
}

/** A namespace: a head, a path to one, or a device of its own. */
export interface Namespace {
  readonly name: string;
  /** Undefined for a path, which is no device for programs. */
  readonly number: DeviceNumber | undefined;
  readonly nsid: number | undefined;
  readonly sizeBytes: number;
  /** What the array calls it, in lower case; undefined where it shows nothing. */
  readonly identity: string | undefined;
  /** What the kernel tells namespaces of a subsystem apart by. */
  readonly wwid: string | undefined;
  /** Seconds that a head stays without a path; undefined where the kernel has no such thing. */
  readonly delayedRemovalSeconds: number | undefined;
}

const CONTROLLER = /^nvme\d+$/;
const HEAD = /^nvme\d+n\d+$/;
const PATH_OR_DEVICE = /^nvme\d+(c\d+)?n\d+$/;
/** Sizes in sysfs are in units of so many bytes, whatever the device's blocks are. */
const SECTOR_BYTES = 512;

/** Every controller of this machine that answers for itself, or those of one NQN. */
export async function readControllers(
  files: KernelFiles,
  sys: string,
  nqn?: string,
): Promise<Controller[]> {
  const directory = `${sys}/class/nvme`;
  const controllers: Controller[] = [];
  for (const name of await files.list(directory)) {
    if (!CONTROLLER.test(name)) continue;
    const controller = await readController(files, `${directory}/${name}`, name, nqn);
    if (controller !== undefined) controllers.push(controller);
  }
  return controllers;
}

/** Every subsystem of this machine, or those of one NQN. */
export async function readSubsystems(
  files: KernelFiles,
  sys: string,
  wanted?: string,
): Promise<Subsystem[]> {
  const directory = `${sys}/class/nvme-subsystem`;
  const subsystems: Subsystem[] = [];
  for (const name of await files.list(directory)) {
    const path = `${directory}/${name}`;
    const nqn = await attribute(files, path, "subsysnqn");
    if (nqn === undefined || (wanted !== undefined && nqn !== wanted)) continue;
    const names = await files.list(path);
    subsystems.push({
      name,
      nqn,
      heads: await readNamespaces(files, path, names.filter((each) => HEAD.test(each))),
    });
  }
  return subsystems;
}

/**
 * The address in a controller's attribute, `traddr=…,trsvcid=…` and more that comes and goes.
 * Undefined when it names no TCP port.
 */
export function parseAddress(text: string): TransportAddress | undefined {
  const fields = new Map<string, string>();
  for (const field of text.split(",")) {
    const at = field.indexOf("=");
    if (at > 0) fields.set(field.slice(0, at).trim(), field.slice(at + 1).trim());
  }
  const [address, port] = [fields.get("traddr"), Number(fields.get("trsvcid"))];
  return address !== undefined && Number.isInteger(port) && port > 0
    ? { address, port }
    : undefined;
}

async function readController(
  files: KernelFiles,
  path: string,
  name: string,
  wanted: string | undefined,
): Promise<Controller | undefined> {
  const nqn = await attribute(files, path, "subsysnqn");
  if (nqn === undefined || (wanted !== undefined && nqn !== wanted)) return undefined;
  const [hostNqn, hostId, state, transport, type, address] = await Promise.all(
    ["hostnqn", "hostid", "state", "transport", "cntrltype", "address"].map((each) =>
      attribute(files, path, each)
    ),
  );
  // It went away while it was read.
  if (state === undefined) return undefined;
  const names = (await files.list(path)).filter((each) => PATH_OR_DEVICE.test(each));
  return {
    ...{ name, nqn, hostNqn, hostId: hostId?.toLowerCase(), state },
    transport: transport ?? "",
    type: type ?? "",
    at: address === undefined ? undefined : parseAddress(address),
    namespaces: await readNamespaces(files, path, names),
  };
}

async function readNamespaces(
  files: KernelFiles,
  directory: string,
  names: readonly string[],
): Promise<Namespace[]> {
  return await Promise.all(names.map(async (name) => {
    const path = `${directory}/${name}`;
    const [dev, nsid, size, uuid, nguid, wwid, delay] = await Promise.all(
      ["dev", "nsid", "size", "uuid", "nguid", "wwid", "delayed_removal_secs"].map((each) =>
        attribute(files, path, each)
      ),
    );
    return {
      name,
      number: dev === undefined ? undefined : parseNumber(dev),
      nsid: numberOf(nsid),
      sizeBytes: (numberOf(size) ?? 0) * SECTOR_BYTES,
      identity: identityOf(uuid) ?? identityOf(nguid),
      wwid,
      delayedRemovalSeconds: numberOf(delay),
    };
  }));
}

/** An attribute; what the kernel has not got yet (`(efault)`, empty) counts as not there. */
async function attribute(
  files: KernelFiles,
  directory: string,
  name: string,
): Promise<string | undefined> {
  const text = await files.read(`${directory}/${name}`);
  return text === undefined || text === "" || text === "(efault)" ? undefined : text;
}

function identityOf(text: string | undefined): string | undefined {
  const identity = text?.toLowerCase();
  return identity === undefined || !/[1-9a-f]/.test(identity) ? undefined : identity;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function parseNumber(text: string): DeviceNumber | undefined {
  const [, major, minor] = /^(\d+):(\d+)$/.exec(text) ?? [];
  return major === undefined ? undefined : deviceNumberOf(Number(major), Number(minor));
}
