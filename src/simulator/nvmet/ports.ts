/** The ports of nvmet: each listens on one TCP port while subsystems are linked to it. */
import { isIP } from "node:net";
import type { KernelTree } from "./kernel_tree.ts";
import { subsystemPath } from "./subsystem.ts";

/** The links of all ports, ours and others'. */
export type PortLinks = ReadonlyMap<string, readonly string[]>;

/** Every port with the names of the subsystems linked to it. */
export async function readPorts(tree: KernelTree): Promise<PortLinks> {
  const ports = new Map<string, readonly string[]>();
  for (const id of await tree.list("ports")) {
    ports.set(id, await tree.list(`ports/${id}/subsystems`));
  }
  return ports;
}

/** Takes a subsystem off every port of `ports` but `except`; live sessions there end. Idempotent. */
export async function unlinkSubsystem(
  tree: KernelTree,
  ports: PortLinks,
  nqn: string,
  except?: number,
): Promise<void> {
  for (const [id, links] of ports) {
    if (id === String(except) || !links.includes(nqn)) continue;
    await tree.unlink(`ports/${id}/subsystems/${nqn}`);
  }
}

/**
 * Links a subsystem to the TCP port at `address`; the first link of a port opens its listener. The
 * number of the port object is that of the TCP port. Idempotent.
 * @throws {Error} when the number is taken by a port with another address.
 */
export async function linkSubsystem(
  tree: KernelTree,
  nqn: string,
  address: string,
  port: number,
): Promise<void> {
  await ensurePort(tree, address, port);
  const directory = `ports/${port}/subsystems`;
  if ((await tree.list(directory)).includes(nqn)) return;
  await tree.link(subsystemPath(nqn), directory);
}

/** Removes the ports at `address` that nothing is linked to. */
export async function removeIdlePorts(tree: KernelTree, address: string): Promise<void> {
  for (const [id, links] of await readPorts(tree)) {
    if (links.length === 0 && await isPortOf(tree, id, address)) {
      await tree.removeDirectory(`ports/${id}`);
    }
  }
}

async function ensurePort(tree: KernelTree, address: string, port: number): Promise<void> {
  const path = `ports/${port}`;
  if ((await tree.list("ports")).includes(String(port))) {
    if (await isPortOf(tree, String(port), address)) return;
    const links = await tree.list(`${path}/subsystems`);
    if (links.length > 0) {
      const taken = await tree.read(`${path}/addr_traddr`);
      throw new Error(
        `Cannot listen on ${address} port ${port}: the port ${port} of nvmet is at ${taken} ` +
          `and has ${links.join(", ")}`,
      );
    }
    // Half made by a process that was killed, or of another address: nobody uses it.
    await tree.removeDirectory(path);
  }
  await tree.makeDirectory(path);
  await tree.write(`${path}/addr_trtype`, "tcp");
  await tree.write(`${path}/addr_adrfam`, isIP(address) === 6 ? "ipv6" : "ipv4");
  await tree.write(`${path}/addr_traddr`, address);
  await tree.write(`${path}/addr_trsvcid`, String(port));
}

/** Whether the port is one as {@link linkSubsystem} makes them. */
async function isPortOf(tree: KernelTree, id: string, address: string): Promise<boolean> {
  return await tree.read(`ports/${id}/addr_trtype`) === "tcp" &&
    await tree.read(`ports/${id}/addr_traddr`) === address &&
    await tree.read(`ports/${id}/addr_trsvcid`) === id;
}
