/**
 * Ends connections. Deleting a controller throws away whatever was written and has not reached the
 * array, so that nobody has the device is proved first, on the device itself: an exclusive open. It
 * fails while a file system is on it, also one whose unmount hangs and has left the mount table.
 * That works without a connection, too: the open waits for nothing. It does not see programs that
 * opened the device without asking for exclusiveness, as virtual machines do: so before it every
 * process is looked through for a descriptor of the device.
 */
import { StorageError } from "../../domain/errors.ts";
import type { Nqn } from "../../domain/nvme.ts";
import { refuseWhileStuck } from "./connector.ts";
import type { Controller } from "./controllers.ts";
import { look } from "./context.ts";
import type { NvmeContext } from "./context.ts";
import { ensureNode, removeOwnNode, setDelayedRemoval } from "./devices.ts";
import { holdersOf, openersOf, wordsFor } from "./holders.ts";
import { poll } from "./polling.ts";
import { devicesOf, stateOf } from "./view.ts";
import type { UsableNamespace, VolumeView } from "./view.ts";

/** Whether it must be proved that nothing has the device. */
export type Proof = "proved-unused" | "whatever-uses-it";

/** The device, or what it belongs to, went away meanwhile. */
const GONE: readonly string[] = ["ENOENT", "ENODEV", "ENXIO"];

/**
 * Ends every connection of this host to a volume; done when the kernel shows none any more.
 * @throws {StorageError} `in-use` when something has the device; `unavailable` when that cannot be
 * said, or a connection is still there in the end.
 */
export async function endConnections(
  context: NvmeContext,
  nqn: Nqn,
  proof: Proof,
  signal: AbortSignal,
): Promise<void> {
  const view = await look(context, nqn);
  if (proof === "proved-unused") {
    refuseWhileStuck(context, `disconnect ${nqn}`, nqn);
    for (const device of devicesOf(view)) await proveUnused(context, view, device, signal);
  }
  await dropHeads(context, view, proof, signal);
  let { ours } = view;
  const end = await poll(context.clock, context.timing.deleteMs, async () => {
    for (const controller of ours) {
      // One that is going already waits for requests that the array does not answer.
      if (controller.state.startsWith("deleting")) continue;
      await deleteController(context, controller, signal);
    }
    ({ ours } = await look(context, nqn));
    return ours.length === 0 ? "gone" : undefined;
  }, signal);
  if (end === undefined) throw stillThere(context, nqn, ours);
  for (const { number } of devicesOf(view)) await removeOwnNode(context, number, signal);
}

async function proveUnused(
  context: NvmeContext,
  view: VolumeView,
  namespace: UsableNamespace,
  signal: AbortSignal,
): Promise<void> {
  const { nqn } = view;
  const { timing, clock } = context;
  const { path, number } = await ensureNode(context, namespace, signal);
  const call = { kind: "open-exclusively", path, number } as const;
  const options = { subject: nqn, deadlineMs: timing.deviceCallMs };
  let openers: string[] = [];
  // Programs that look at every new device have it for a moment: also after each exclusive open
  // that succeeds, so that is the last question.
  const result = await poll(clock, timing.busyMs, async () => {
    const found = await openersOf(context, namespace.name, number, nqn, signal);
    openers = wordsFor(found.filter(({ canWrite }) => canWrite || isLive(view)));
    if (openers.length > 0) return undefined;
    const opened = await context.calls.call(call, options, signal);
    return !opened.isOk && opened.errno === "EBUSY" ? undefined : opened;
  }, signal);
  if (result?.isOk) return;
  if (result === undefined) {
    const holders = [...openers, ...await holdersOf(context, namespace.name, number)];
    const who = holders.length > 0 ? holders.join(", ") : "something that no table shows";
    throw new StorageError(
      "in-use",
      `Cannot disconnect ${nqn}: its device ${path} is held: ${who}`,
    );
  }
  const now = devicesOf(await look(context, nqn));
  if (GONE.includes(result.errno) && !now.some((each) => each.number === number)) return;
  throw new StorageError(
    "unavailable",
    `Cannot disconnect ${nqn}: whether its device ${path} is unused cannot be proved ` +
      `(${result.errno})`,
  );
}

/**
 * Without a connection only who writes counts: there is nothing else to lose, and whatever looks
 * at devices by itself is stuck in its read there, for as long as the array does not answer.
 */
function isLive({ ours }: VolumeView): boolean {
  return stateOf(ours) === "live";
}

/** Heads that would outlive their connection are told not to. */
async function dropHeads(
  context: NvmeContext,
  view: VolumeView,
  proof: Proof,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, delayedRemovalSeconds } of devicesOf(view)) {
    if (delayedRemovalSeconds === undefined || delayedRemovalSeconds === 0) continue;
    const errno = await setDelayedRemoval(context, name, 0, signal);
    if (errno === undefined || GONE.includes(errno) || proof === "whatever-uses-it") continue;
    throw new StorageError(
      "unavailable",
      `Cannot disconnect ${view.nqn}: delayed_removal_secs of ${name} cannot be set (${errno})`,
    );
  }
}

async function deleteController(
  context: NvmeContext,
  { name, nqn, hostNqn }: Controller,
  signal: AbortSignal,
): Promise<void> {
  const { paths, timing } = context;
  const path = `${paths.sys}/class/nvme/${name}/delete_controller`;
  // Names are given again: this one must still be the volume's, and ours.
  const beside = { subsysnqn: nqn, hostnqn: hostNqn ?? "" };
  const call = { kind: "write-file", path, text: "1", beside } as const;
  // The controller is the subject: what hangs on the volume must not keep it from being let go.
  const options = { subject: name, deadlineMs: timing.deleteMs };
  const written = await context.calls.call(call, options, signal).catch((cause: unknown) => {
    if (!(cause instanceof StorageError)) throw cause;
    throw new StorageError(
      "unavailable",
      `Cannot disconnect ${nqn}: the kernel is still deleting ${name}; while the array does not ` +
        "answer that takes a minute, and goes on by itself: try again",
      { cause },
    );
  });
  // Busy is one that is only just being made: it is asked again until the time is over.
  if (written.isOk || written.errno === "EBUSY" || GONE.includes(written.errno)) return;
  throw new StorageError(
    "unavailable",
    `Cannot disconnect ${nqn}: ${name} cannot be deleted (${written.errno})`,
  );
}

function stillThere(
  { timing }: NvmeContext,
  nqn: Nqn,
  ours: readonly Controller[],
): StorageError {
  const shown = ours.map(({ name, state }) => `${name} is ${state}`).join(", ");
  return new StorageError(
    "unavailable",
    `Cannot disconnect ${nqn}: ${shown} after ${timing.deleteMs / 1000} s`,
  );
}
