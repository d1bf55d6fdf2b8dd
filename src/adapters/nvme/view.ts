/** What the kernel has of one volume, and what follows from it. Decisions only. */
import type { Nqn, TransportAddress } from "../../domain/nvme.ts";
import type { NvmeSession } from "../../ports/nvme_host.ts";
import type { Controller, Namespace, Subsystem } from "./controllers.ts";

/** Everything that sysfs shows of one NQN at one moment. */
export interface VolumeView {
  readonly nqn: Nqn;
  /** The controllers that this host made. */
  readonly ours: readonly Controller[];
  /** Controllers to the same subsystem under another host NQN; never touched. */
  readonly foreign: readonly Controller[];
  readonly subsystems: readonly Subsystem[];
}

/** A namespace that programs can use. */
export type UsableNamespace = Namespace & { readonly number: NonNullable<Namespace["number"]> };

/** What stands for namespace 1 of a volume. */
export type DeviceChoice =
  | { readonly kind: "none" }
  | { readonly kind: "one"; readonly namespace: UsableNamespace }
  | { readonly kind: "ambiguous"; readonly names: readonly string[] };

/** Our volumes have one namespace, with this number. */
const NSID = 1;

/** Sorts what was read of one NQN by whose it is. */
export function viewOf(
  nqn: Nqn,
  hostNqn: string,
  controllers: readonly Controller[],
  subsystems: readonly Subsystem[],
): VolumeView {
  const same = controllers.filter((each) => each.nqn === nqn);
  return {
    nqn,
    ours: same.filter((each) => each.hostNqn === hostNqn),
    foreign: same.filter((each) => each.hostNqn !== undefined && each.hostNqn !== hostNqn),
    subsystems: subsystems.filter((each) => each.nqn === nqn),
  };
}

/** How the kernel's words for the state of a controller map to ours. */
export function stateOf(controllers: readonly Controller[]): NvmeSession["state"] {
  const states = controllers.map(({ state }) => state);
  if (states.includes("live")) return "live";
  return states.some((each) => ["new", "resetting", "connecting"].includes(each))
    ? "lost"
    : "closing";
}

/** Every device of a volume that something could hold, also heads that lost their paths. */
export function devicesOf({ ours, foreign, subsystems }: VolumeView): UsableNamespace[] {
  const isForeignOnly = ours.length === 0 && foreign.length > 0;
  if (isForeignOnly) return [];
  return [
    ...subsystems.flatMap(({ heads }) => heads),
    ...ours.flatMap(({ namespaces }) => namespaces),
  ].filter(isUsable);
}

/**
 * The device of namespace 1: the only one there is, or the only one that a path leads to. A head
 * without a path stays for a while on newer kernels, and for ever in the hands of who opened it.
 * While a connection is live such a head is not its device: the namespace came back as another
 * one, or not at all, and requests to the head wait for a path that does not come.
 */
export function chooseDevice(view: VolumeView): DeviceChoice {
  const candidates = devicesOf(view).filter(({ nsid }) => nsid === undefined || nsid === NSID);
  const reachable = candidates.filter((each) => hasPath(view, each));
  const mustBeReachable = reachable.length > 0 || stateOf(view.ours) === "live";
  return only(mustBeReachable ? reachable : candidates);
}

/**
 * The device of namespace 1, or what is left of it: whoever has it mounted has to find out that it
 * was the volume's.
 */
export function chooseRemains(view: VolumeView): DeviceChoice {
  const choice = chooseDevice(view);
  return choice.kind === "none" ? only(devicesOf(view)) : choice;
}

/** Whether the sessions of a volume go to one of the addresses; unknown ones count as that. */
export function isAt(
  controllers: readonly Controller[],
  addresses: readonly TransportAddress[],
): boolean {
  return controllers.every(({ at }) =>
    at === undefined ||
    addresses.some(({ address, port }) =>
      port === at.port && canonical(address) === canonical(at.address)
    )
  );
}

/** One spelling for each numeric address. */
function canonical(address: string): string {
  if (!address.includes(":")) return address;
  const [bare = "", zone] = address.split("%");
  const url = URL.parse(`http://[${bare}]/`);
  const text = url === null ? bare.toLowerCase() : url.hostname;
  return zone === undefined ? text : `${text}%${zone}`;
}

function only([first, ...others]: readonly UsableNamespace[]): DeviceChoice {
  if (first === undefined) return { kind: "none" };
  if (others.length === 0) return { kind: "one", namespace: first };
  return { kind: "ambiguous", names: [first, ...others].map(({ name }) => name) };
}

function hasPath({ ours }: VolumeView, head: UsableNamespace): boolean {
  return ours.some(({ namespaces }) =>
    namespaces.some((path) =>
      path.name === head.name ||
      (path.number === undefined && path.nsid === head.nsid && path.wwid === head.wwid)
    )
  );
}

function isUsable(namespace: Namespace): namespace is UsableNamespace {
  return namespace.number !== undefined;
}
