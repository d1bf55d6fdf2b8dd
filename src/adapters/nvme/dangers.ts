/** What about a machine endangers volumes, in words for people. */
import { isManagedNqn } from "../../domain/nvme.ts";
import type { NvmeContext } from "./context.ts";
import { readControllers } from "./controllers.ts";
import type { Controller } from "./controllers.ts";

/** More than a person reads. */
const LINES_MAX = 20;

/** Looks for everything that is known to go wrong; empty when nothing is found. */
export async function findDangers(context: NvmeContext): Promise<string[]> {
  const { files, paths, identity } = context;
  const controllers = await readControllers(files, paths.sys);
  const found = [
    ...await moduleDangers(context),
    ...identityConflicts(controllers, identity),
    ...foreignConnections(controllers, identity.hostNqn),
    ...discoveryControllers(controllers),
    ...await discoveryFile(context),
    ...await readOnlySysfs(context),
  ];
  return found.slice(0, LINES_MAX);
}

async function moduleDangers({ files, paths }: NvmeContext): Promise<string[]> {
  const modules = `${paths.sys}/module`;
  const isLoaded = (await files.list(`${modules}/nvme_fabrics`)).length > 0;
  if (!isLoaded) {
    return [
      "the kernel's module nvme-tcp is not loaded, so no volume can be connected: run " +
      "`modprobe nvme-tcp` on the node, and name it in a file of /etc/modules-load.d",
    ];
  }
  const dangers: string[] = [];
  if (!(await files.list(paths.dev)).includes("nvme-fabrics")) {
    dangers.push(
      `${paths.dev}/nvme-fabrics is not there although its module is loaded: the driver needs ` +
        "the host's /dev",
    );
  }
  if (await files.read(`${modules}/nvme_core/parameters/multipath`) !== "Y") {
    dangers.push(
      "native NVMe multipath is off (nvme_core.multipath): a request that is on its way when a " +
        "connection is lost fails after five resets, and file systems with it; boot without " +
        "nvme_core.multipath=N, on a kernel with CONFIG_NVME_MULTIPATH",
    );
  }
  return dangers;
}

/** The pair must be one-to-one over all connections, or newer kernels refuse the second. */
function identityConflicts(
  controllers: readonly Controller[],
  { hostNqn, hostId }: NvmeContext["identity"],
): string[] {
  return controllers.flatMap((each) => {
    if (each.hostNqn === undefined || each.hostId === undefined) return [];
    const isSameNqn = each.hostNqn === hostNqn;
    const isSameId = each.hostId === hostId;
    if (isSameNqn === isSameId) return [];
    const [shared, other] = isSameNqn
      ? [`host NQN ${hostNqn}`, `host id ${each.hostId}, the driver ${hostId}`]
      : [`host id ${hostId}`, `host NQN ${each.hostNqn}, the driver ${hostNqn}`];
    return [
      `${each.name} (${each.nqn}) uses ${shared} with ${other}: newer kernels refuse every ` +
      "connect of the driver; connect it with the same pair, or with one of its own",
    ];
  });
}

function foreignConnections(controllers: readonly Controller[], hostNqn: string): string[] {
  return controllers.filter((each) =>
    isManagedNqn(each.nqn) && each.hostNqn !== undefined && each.hostNqn !== hostNqn
  ).map(({ name, nqn, hostNqn: other }) =>
    `${name} is connected to volume ${nqn} as host ${other}, which is not the driver: it is left ` +
    "alone, and keeps the volume from being used here"
  );
}

function discoveryControllers(controllers: readonly Controller[]): string[] {
  return controllers.filter(({ type, transport }) => type === "discovery" && transport === "tcp")
    .map(({ name, at }) =>
      `${name} is a discovery controller that stays connected to ${
        at?.address ?? "an array"
      }: if ` +
      "that is an array of volumes, the node's udev rules connect every volume of it to this node"
    );
}

async function discoveryFile({ files, paths }: NvmeContext): Promise<string[]> {
  const path = `${paths.etcNvme}/discovery.conf`;
  const addresses = new Set<string>();
  for (const line of (await files.read(path) ?? "").split("\n")) {
    if (line.trim().startsWith("#")) continue;
    const [, address] = /(?:--traddr[= ]|-a\s*)(\S+)/.exec(line) ?? [];
    if (address !== undefined) addresses.add(address);
  }
  if (addresses.size === 0) return [];
  return [
    `${path} names ${[...addresses].slice(0, 8).join(", ")}: if one is an array of volumes, ` +
    "`nvme connect-all` connects every volume of it to this node, at each boot",
  ];
}

async function readOnlySysfs({ files, paths }: NvmeContext): Promise<string[]> {
  const table = await files.read(`${paths.proc}/self/mountinfo`) ?? "";
  const mounts = table.split("\n").map((line) => line.split(" "));
  // The last one at the same place is the one that is seen.
  const top = mounts.findLast(([, , , , place]) => place === paths.sys);
  return top?.[5]?.split(",").includes("ro")
    ? [`${paths.sys} is mounted read-only: connections can be made and not ended or changed`]
    : [];
}
