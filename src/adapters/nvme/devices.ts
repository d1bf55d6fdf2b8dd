/** From a namespace that the kernel shows to a device that can be opened and read. */
import type { BlockDevice, DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { Nqn } from "../../domain/nvme.ts";
import { look } from "./context.ts";
import type { NvmeContext } from "./context.ts";
import { uptimeSeconds, withKernelLog } from "./kernel_log.ts";
import { poll } from "./polling.ts";
import { chooseDevice, devicesOf, stateOf } from "./view.ts";
import type { DeviceChoice, UsableNamespace, VolumeView } from "./view.ts";

/**
 * How long a head may wait for its lost paths. It outlasts the moment between an array's opening a
 * port and its exporting the disk behind it, in which a kernel takes the refusal for final, with a
 * guardian's help. Not more: a timer that runs is not stopped by writing 0 (seen on 7.2), and while
 * it runs a namespace with another identity does not appear under the same subsystem.
 */
const DELAYED_REMOVAL_SECONDS = 120;
/** How long a node below /dev may come later than the attribute with its number. */
const NODE_LAG_MS = 2000;
const FIRST_READ_BYTES = 4096;

/**
 * The device of a namespace, as it is. Its path is the kernel's node for it, or the one that
 * {@link ensureNode} made.
 */
export async function deviceOf(
  { files, paths }: NvmeContext,
  { name, number, sizeBytes, identity }: UsableNamespace,
): Promise<BlockDevice> {
  const usual = `${paths.dev}/${name}`;
  const own = ownNode(paths.dev, number);
  const isOwn = await files.nodeAt(usual) !== number && await files.nodeAt(own) === number;
  return { path: isOwn ? own : usual, number, sizeBytes, identity };
}

/**
 * What was chosen, as a device; undefined when there is none.
 * @throws {StorageError} `unavailable` when there are several
 */
export async function chosenDevice(
  context: NvmeContext,
  nqn: Nqn,
  choice: DeviceChoice,
): Promise<BlockDevice | undefined> {
  switch (choice.kind) {
    case "none":
      return undefined;
    case "one":
      return await deviceOf(context, choice.namespace);
    case "ambiguous":
      throw ambiguous(nqn, choice.names);
  }
}

/**
 * Makes sure that the device has a node that leads to it. A container whose /dev is its own shows
 * no device that came later: there a node is made, named after the number, so that it can never
 * lead to another device than its name says. On the host's /dev the kernel makes all nodes.
 */
export async function ensureNode(
  context: NvmeContext,
  namespace: UsableNamespace,
  signal: AbortSignal,
): Promise<BlockDevice> {
  const device = await deviceOf(context, namespace);
  const { files, paths, programs, timing } = context;
  if (await files.nodeAt(device.path) === device.number) return device;
  const path = ownNode(paths.dev, device.number);
  const [major = "", minor = ""] = device.number.split(":");
  const directory = path.slice(0, path.lastIndexOf("/"));
  const call = { deadlineMs: timing.attributeMs, subject: path };
  await programs.run({ program: "mkdir", args: ["-p", "-m", "0700", directory], ...call }, signal);
  const args = ["-m", "0600", path, "b", major, minor];
  const { stderr } = await programs.run({ program: "mknod", args, ...call }, signal);
  // Another call may have made it first: what counts is where it leads.
  if (await files.nodeAt(path) === device.number) return { ...device, path };
  throw new StorageError(
    "unavailable",
    `Cannot make device node ${path}: ${stderr.trim() || "it leads elsewhere"}`,
  );
}

/** Removes a node that {@link ensureNode} made; the kernel's own are its business. */
export async function removeOwnNode(
  { files, paths, programs, timing }: NvmeContext,
  number: DeviceNumber,
  signal: AbortSignal,
): Promise<void> {
  const path = ownNode(paths.dev, number);
  if (await files.nodeAt(path) === undefined) return;
  const call = { deadlineMs: timing.attributeMs, subject: path };
  await programs.run({ program: "rm", args: ["-f", path], ...call }, signal);
}

/**
 * Waits until the device of a connected volume can be read, and makes the kernel keep it through a
 * loss of all its paths.
 * @throws {StorageError} `unavailable` when there is none in time, with what may be the reason.
 */
export async function readyDevice(
  context: NvmeContext,
  nqn: Nqn,
  signal: AbortSignal,
): Promise<BlockDevice> {
  const { clock, timing } = context;
  const startMs = clock.monotonicMs();
  // What the kernel says of a new namespace it says within moments of the connect.
  const sinceSeconds = await uptimeSeconds(context);
  let problem: StorageError | undefined;
  const device = await poll(clock, timing.deviceMs, async () => {
    const view = await look(context, nqn);
    const choice = chooseDevice(view);
    if (choice.kind !== "one" || stateOf(view.ours) !== "live") {
      problem = whyNone(view, choice, timing.deviceMs);
      return undefined;
    }
    const { namespace } = choice;
    if (namespace.sizeBytes === 0) {
      problem = unusable(nqn, `its device ${namespace.name} has no size yet`);
      return undefined;
    }
    const isEarly = clock.monotonicMs() - startMs < NODE_LAG_MS;
    const shown = await deviceOf(context, namespace);
    if (isEarly && await context.files.nodeAt(shown.path) !== shown.number) return undefined;
    const found = await ensureNode(context, namespace, signal);
    problem = await readProblem(context, nqn, found, signal);
    if (problem !== undefined) return undefined;
    await keepWithoutPath(context, namespace, signal);
    return found;
  }, signal);
  if (device !== undefined) return device;
  problem ??= unusable(nqn, "its device has no node below /dev");
  throw await withKernelLog(context, problem, sinceSeconds, nqn, signal);
}

/** A device can be there right after a connect and still fail reads: one read tells. */
async function readProblem(
  context: NvmeContext,
  nqn: Nqn,
  { path, number, sizeBytes }: BlockDevice,
  signal: AbortSignal,
): Promise<StorageError | undefined> {
  const length = Math.min(FIRST_READ_BYTES, sizeBytes);
  const windows = [{ offset: 0, length, want: "is-zero" }] as const;
  const options = { subject: number, deadlineMs: context.timing.deviceCallMs };
  const call = { kind: "read-device", path, number, windows } as const;
  const read = await context.calls.call(call, options, signal);
  return read.isOk ? undefined : unusable(nqn, `its device ${path} cannot be read (${read.errno})`);
}

/** Best effort: where it does not work the volume is as safe as on a kernel without it. */
async function keepWithoutPath(
  context: NvmeContext,
  { name, delayedRemovalSeconds }: UsableNamespace,
  signal: AbortSignal,
): Promise<void> {
  if (delayedRemovalSeconds === undefined || delayedRemovalSeconds === DELAYED_REMOVAL_SECONDS) {
    return;
  }
  await setDelayedRemoval(context, name, DELAYED_REMOVAL_SECONDS, signal);
}

/** Sets how long a head outlives its last path. @returns the error's name, or undefined */
export async function setDelayedRemoval(
  context: NvmeContext,
  head: string,
  seconds: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = `${context.paths.sys}/class/block/${head}/delayed_removal_secs`;
  const options = { subject: head, deadlineMs: context.timing.attributeMs };
  const call = { kind: "write-file", path, text: String(seconds) } as const;
  const written = await context.calls.call(call, options, signal);
  return written.isOk ? undefined : written.errno;
}

function whyNone(view: VolumeView, choice: DeviceChoice, waitedMs: number): StorageError {
  const { nqn, ours } = view;
  const shown = ours.map(({ name, state }) => `${name} is ${state}`).join(", ");
  if (stateOf(ours) !== "live") {
    return unusable(nqn, `its connection is lost again (${shown || "it is gone"})`);
  }
  if (choice.kind === "ambiguous") return ambiguous(nqn, choice.names);
  const remains = devicesOf(view).map(({ name, identity = "unknown" }) => `${name} (${identity})`);
  if (remains.length > 0) {
    return unusable(
      nqn,
      `it is connected (${shown}), and nothing leads to its device ${remains.join(", ")}: the ` +
        "array shows the namespace with another identity, or not at all; a new device comes when " +
        "nothing uses the old one any more, at most " +
        `${DELAYED_REMOVAL_SECONDS} s after that; the node's kernel log says which`,
    );
  }
  return unusable(
    nqn,
    `it is connected (${shown}), and the kernel shows no device for it in ${waitedMs / 1000} s: ` +
      "another connected volume has the same namespace UUID or NGUID, or the array has not " +
      "enabled the namespace, or the kernel still looks for it; the node's kernel log says which",
  );
}

function ambiguous(nqn: Nqn, names: readonly string[]): StorageError {
  return unusable(nqn, `the kernel shows several devices for it (${names.join(", ")})`);
}

function unusable(nqn: Nqn, why: string): StorageError {
  return new StorageError("unavailable", `Cannot use ${nqn}: ${why}`);
}

function ownNode(dev: string, number: DeviceNumber): string {
  return `${dev}/rds-csi/block-${number.replace(":", "-")}`;
}
